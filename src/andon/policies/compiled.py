"""A policy ready to decide: its conditions compiled to CEL, all rules as one expression."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from andon.policies.domain import DecisionTable, Ruling, ValueKind

Facts: TypeAlias = tuple[Mapping[str, Any], Mapping[str, Any], Mapping[str, Any], Mapping[str, Any]]
"""input, features, prediction and risk of one decision."""


class CompiledPolicy:
    """A decision table whose conditions were checked against the variables of an automation."""

    table: DecisionTable

    def evaluate(
        self,
        input: Mapping[str, Any],  # noqa: A002 - the name it has in a policy
        features: Mapping[str, Any],
        prediction: Mapping[str, Any],
        risk: Mapping[str, Any],
    ) -> Ruling:
        """The ruling on one decision. Never raises: what cannot be evaluated is a review with its error."""
        raise NotImplementedError

    def evaluate_many(self, batch: Sequence[Facts]) -> list[Ruling]:
        """The rulings on a batch, in order."""
        return [self.evaluate(*facts) for facts in batch]


def compile(table: DecisionTable, variables: Mapping[str, ValueKind]) -> CompiledPolicy:  # noqa: A001 - a policy's verb
    """Check every condition against `variables` (`input.amount` -> NUMBER ...; GIVEN and lists are known) and compile them.

    Raises PolicyInvalid with all faults.
    """
    raise NotImplementedError
