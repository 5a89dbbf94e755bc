"""The metrics of spending: the decisions of each version, and how far each budget is spent."""

from collections.abc import Sequence

from andon.kernel.metrics import Metrics
from andon.spending.domain import NANO, BudgetState, Spend


class SpendingMetrics:
    """Shows what a process spent and how its budgets stand. May be called from any one thread, about once a second."""

    def __init__(self, metrics: Metrics) -> None:
        self.cost = metrics.batch_counter(
            "andon_cost_total",
            "Price of the CPU and GPU time that decisions by a version took, without idle time.",
            ("automation", "version", "currency"),
        )
        self.used = metrics.gauge(
            "andon_budget_used_ratio",
            "Which part of its budget an automation spent in this period.",
            ("automation", "per"),
        )
        self.amount = metrics.gauge(
            "andon_budget_amount",
            "The budget of an automation for a day or a month.",
            ("automation", "per", "currency"),
        )

    def spent(self, rows: Sequence[Spend]) -> None:
        """So much more was spent."""
        for row in rows:
            self.cost.add((row.automation, str(row.version), row.currency), row.cost / NANO)

    def budget(self, state: BudgetState) -> None:
        """How a budget stands now."""
        of = state.period
        self.used.labels(of.automation, of.per).set(state.used_ratio)
        self.amount.labels(of.automation, of.per, of.currency).set(state.amount / NANO)
