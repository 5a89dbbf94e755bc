"""The metrics of spending: the decisions of each version, and how far each budget is spent."""

from collections.abc import Mapping, Sequence

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
        self._states: Mapping[str, BudgetState] = {}
        metrics.gauges_of(
            "andon_budget_used_ratio",
            "Which part of its budget an automation spent in this period.",
            lambda: [((one.period.automation, one.period.per), one.used_ratio) for one in self._states.values()],
            labels=("automation", "per"),
        )
        metrics.gauges_of(
            "andon_budget_amount",
            "The budget of an automation for a day or a month.",
            lambda: [
                ((one.period.automation, one.period.per, one.period.currency), one.amount / NANO)
                for one in self._states.values()
            ],
            labels=("automation", "per", "currency"),
        )

    def spent(self, rows: Sequence[Spend]) -> None:
        """So much more was spent."""
        for row in rows:
            self.cost.add((row.automation, str(row.version), row.currency), row.cost / NANO)

    def budget(self, state: BudgetState) -> None:
        """How a budget stands now."""
        self._states = {**self._states, state.period.automation: state}

    def budgets(self, states: Sequence[BudgetState]) -> None:
        """Replace all budgets: one that is not named was cleared, and is shown no more."""
        self._states = {one.period.automation: one for one in states}
