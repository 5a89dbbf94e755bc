"""Errors of proofs."""

from typing import Self

from andon.kernel.errors import Fault, Invalid, NotFound


class NothingBounded(NotFound):
    """The automation declares no bound on its risk."""


class SeriesUnknown(NotFound):
    """There is no such gate."""

    @classmethod
    def of(cls, field: str, message: str) -> Self:
        """Return the error of a field that names no gate."""
        return cls(message, faults=[Fault(field, message)])


class TargetInvalid(Invalid):
    """The target is not possible."""
