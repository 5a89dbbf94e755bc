"""The cost of a decision, as a metric."""

import time

from andon.decisions.metrics import DecisionMetrics
from andon.kernel.config import Settings
from andon.kernel.metrics import Metrics


def add_cost(metrics: Metrics, settings: Settings, observer: DecisionMetrics) -> None:
    """Register the cost of a decision: CPU seconds since start, at the configured price, per decision."""

    def cost() -> float:
        return time.process_time() / 3600 * settings.cost.cpu_hour / max(observer.decided, 1)

    metrics.gauge_of(
        "andon_decision_cost",
        "Price of one decision: this process's CPU time at the price in [cost], including its idle share.",
        cost,
        currency=settings.cost.currency,
    )
