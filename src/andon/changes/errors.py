"""Errors of change figures and history."""

from andon.kernel.errors import Invalid


class MomentNotYet(Invalid):
    """The moment lies in the future: what will be in force then is not known."""


class ChangeSpanInvalid(Invalid):
    """The span of change figures is not a span of time, or reaches too far back."""
