"""Which kind of value a field of a contract gives to conditions."""

from typing import Any

from andon.policies.domain import ValueKind


def kind_of(annotation: Any) -> ValueKind:
    """The kind of a pydantic field's annotation; what conditions cannot be checked against is ANY."""
    raise NotImplementedError
