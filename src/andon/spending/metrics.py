"""Metrics of spending: the cost of each version's decisions, and how far each budget is spent."""

from collections.abc import Sequence

from andon.kernel.metrics import Metrics
from andon.spending.domain import NANO, BudgetState, Period, Spend


class SpendingMetrics:
    """Shows what a process spent, and the state of its budgets. Call it from one thread, about once a second."""

    def __init__(self, metrics: Metrics) -> None:
        self.cost = metrics.batch_counter(
            "andon_cost_total",
            "Price of the CPU and GPU time used for decisions by a version, without idle time.",
            ("automation", "version", "currency"),
        )
        self.used = metrics.gauge(
            "andon_budget_used_ratio",
            "Share of its budget that an automation has spent in this period.",
            ("automation", "per"),
        )
        self.amount = metrics.gauge(
            "andon_budget_amount",
            "The budget of an automation for a day or a month.",
            ("automation", "per", "currency"),
        )
        self._shown: dict[str, Period] = {}

    def spent(self, rows: Sequence[Spend]) -> None:
        """Add what was spent since the last call."""
        for row in rows:
            self.cost.add((row.automation, str(row.version), row.currency), row.cost / NANO)

    def budget(self, state: BudgetState) -> None:
        """Show the standing of a budget."""
        of = state.period
        if (of.per, of.currency) != self._labels_of(of.automation):
            self._forget(of.automation)
        self.used.labels(of.automation, of.per).set(state.used_ratio)
        self.amount.labels(of.automation, of.per, of.currency).set(state.amount / NANO)
        self._shown[of.automation] = of

    def budgets(self, states: Sequence[BudgetState]) -> None:
        """Show the state of all budgets. One that is not named was cleared and disappears."""
        for automation in self._shown.keys() - {one.period.automation for one in states}:
            self._forget(automation)
        for state in states:
            self.budget(state)

    def _labels_of(self, automation: str) -> tuple[str, str] | None:
        of = self._shown.get(automation)
        return None if of is None else (of.per, of.currency)

    def _forget(self, automation: str) -> None:
        of = self._shown.pop(automation, None)
        if of is not None:
            self.used.remove(automation, of.per)
            self.amount.remove(automation, of.per, of.currency)
