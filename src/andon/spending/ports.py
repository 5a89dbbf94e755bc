"""The observer of computing costs, for metrics."""

from collections.abc import Sequence
from typing import Protocol

from andon.spending.domain import BudgetState, Spend


class SpendWatcher(Protocol):
    """Observes a process's own spending about once a second; must be quick. Called from a thread."""

    def spent(self, rows: Sequence[Spend]) -> None:
        """So much more was spent; it is in the database."""
        ...

    def budget(self, state: BudgetState) -> None:
        """Observe the standing of a budget."""
        ...

    def budgets(self, states: Sequence[BudgetState]) -> None:
        """Receive the state of all budgets; others no longer exist."""
        ...
