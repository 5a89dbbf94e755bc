"""What can be wrong with a question about spending, or with a budget."""

from andon.kernel.errors import Invalid


class SpanInvalid(Invalid):
    """These days cannot be asked for."""


class BudgetTooLarge(Invalid):
    """A budget of nine billion or more cannot be counted."""
