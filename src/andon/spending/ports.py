"""The observer of computing costs, for metrics."""

from collections.abc import Sequence
from typing import Protocol

from andon.spending.domain import BudgetState, Spend


class SpendWatcher(Protocol):
    """Observes a process's own spending about once a second, called from a thread. It must be quick."""

    def spent(self, rows: Sequence[Spend]) -> None:
        """Observe what was spent since the last call, which is in the database."""
        ...

    def budget(self, state: BudgetState) -> None:
        """Observe the standing of a budget."""
        ...

    def budgets(self, states: Sequence[BudgetState]) -> None:
        """Observe the state of all budgets. Budgets that are not among them no longer exist."""
        ...
