"""From what the slices tell to metrics."""

import time
from collections.abc import Sequence

from andon.actions import Answer, AnswerKind
from andon.decisions import Decision, Watcher
from andon.kernel import tracing
from andon.kernel.config import Settings
from andon.kernel.metrics import Metrics


class DecisionMetrics:
    """Counts what the decider did."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self.decided = 0

    def batch(self, decisions: Sequence[Decision], seconds: float, commit_seconds: float) -> None:
        """A batch was committed."""
        del seconds
        metrics = self._metrics
        metrics.batches.inc()
        metrics.commit.observe(commit_seconds)
        self.decided += len(decisions)
        for decision in decisions:
            metrics.decisions.labels(decision.line.automation, decision.outcome).inc()
        for first in {id(decision.stages_us): decision for decision in decisions}.values():
            model = first.line.model
            metrics.model_cpu.labels(model.name, str(model.version)).inc(first.stages_us["cpu"] / 1e6)

    def failed(self, transient: bool, requests: int) -> None:
        """A batch could not be decided."""
        self._metrics.errors.labels("transient" if transient else "persistent").inc(requests)


class CommitTraces:
    """Tells one span for each group commit, linked to the requests that it answered; then whoever else listens."""

    def __init__(self, then: Watcher) -> None:
        self._then = then

    def batch(self, decisions: Sequence[Decision], seconds: float, commit_seconds: float) -> None:
        """A batch was committed."""
        tracing.tell(
            "ledger.commit",
            commit_seconds,
            links=[decision.request.traceparent for decision in decisions],
            attributes={
                "andon.batch_size": len(decisions),
                "andon.automation": sorted({decision.line.automation for decision in decisions}),
            },
        )
        self._then.batch(decisions, seconds, commit_seconds)

    def failed(self, transient: bool, requests: int) -> None:
        """A batch could not be decided; each request's own span says so."""
        self._then.failed(transient, requests)


class DeliveryMetrics:
    """Counts what the delivery loop did."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def answered(self, destination: str, answer: Answer, *, attempt: int, seconds: float) -> None:
        """An attempt ended."""
        self._metrics.deliveries.labels(destination, answer.kind.value).inc()
        self._metrics.delivery_seconds.labels(destination).observe(seconds)
        if attempt > 1:
            self._metrics.retries.labels(destination).inc()
        if answer.kind is not AnswerKind.DELIVERED:
            kind = "persistent" if answer.kind is AnswerKind.REFUSED else "transient"
            self._metrics.errors.labels(kind).inc()

    def gave_up(self, destination: str) -> None:
        """A delivery became a dead letter."""
        self._metrics.dead_letters.labels(destination).inc()


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
