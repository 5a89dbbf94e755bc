"""Errors of spending."""

from andon.kernel.errors import Conflict, Invalid


class SpanInvalid(Invalid):
    """These days cannot be asked for."""


class BudgetExhausted(Conflict):
    """The budget does not pay for this request."""
