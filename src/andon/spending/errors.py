"""Errors of spending."""

from andon.kernel.errors import Conflict, Invalid


class SpanInvalid(Invalid):
    """This span of days is not valid."""


class BudgetExhausted(Conflict):
    """The budget does not pay for this request."""
