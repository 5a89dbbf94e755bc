"""What computing costs, as metrics: the decisions of each version, and how far each budget is spent."""

import time
from collections.abc import Sequence

from andon.bootstrap.observers import DecisionMetrics
from andon.kernel.config import Settings
from andon.kernel.metrics import Metrics
from andon.spending import BudgetState, Spend

NANO = 1e-9


class SpendingMetrics:
    """Shows what a process spent and how its budgets stand. May be called from any one thread, about once a second."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def spent(self, rows: Sequence[Spend]) -> None:
        """So much more was spent."""
        for row in rows:
            self._metrics.cost.add((row.automation, str(row.version), row.currency), row.cost * NANO)

    def budget(self, state: BudgetState) -> None:
        """How a budget stands now."""
        of = state.period
        self._metrics.budget_used.labels(of.automation, of.per).set(state.used_ratio)
        self._metrics.budget_amount.labels(of.automation, of.per, of.currency).set(state.amount * NANO)


def add_cost(metrics: Metrics, settings: Settings, observer: DecisionMetrics) -> None:
    """The cost of a decision: this process's CPU seconds since start, at the configured price, over its decisions."""

    def cost() -> float:
        return time.process_time() / 3600 * settings.cost.cpu_hour / max(observer.decided, 1)

    metrics.gauge_of(
        "andon_decision_cost",
        "Price of one decision: this process's CPU time at the price of [cost], idle share included.",
        cost,
        currency=settings.cost.currency,
    )
