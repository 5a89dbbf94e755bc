"""Errors of proofs."""

from andon.kernel.errors import Invalid, NotFound


class NothingBounded(NotFound):
    """The automation declares no bound on its risk."""


class SeriesUnknown(NotFound):
    """There is no such gate."""


class TargetInvalid(Invalid):
    """The target is not possible."""
