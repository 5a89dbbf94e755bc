"""From what the slices tell to metrics: one call a batch, nothing a decision."""

from collections.abc import Callable, Sequence
from time import monotonic

import structlog

from andon.actions import Answer
from andon.bootstrap.spans import tell_commit, tell_stages
from andon.decisions import BatchReport, Watcher
from andon.kernel.metrics import Metrics

log = structlog.get_logger(__name__)

TRANSIENT = frozenset({"PREDICTION_TIMED_OUT", "ENDPOINT_BUSY"})
"""Reasons of a fallback after which the same version may well answer the next time."""

TOLD_EVERY = 60.0
"""Seconds after which a breach of the same expectation is logged again."""

SPENT = "BUDGET_SPENT"
"""The reason of a fallback that is nobody's failure."""


class DecisionMetrics:
    """Counts what the decider did. `breached` hears of expectations that did not hold. Call it from the event loop only."""

    def __init__(self, metrics: Metrics, *, breached: Callable[[str, str, int], None] | None = None) -> None:
        self._metrics = metrics
        self._breached = breached
        self._told: dict[tuple[str, str], float] = {}
        self.decided = 0

    def batch(self, reports: Sequence[BatchReport]) -> None:
        """A batch was committed; one report for each arm in it, so one at least."""
        self._metrics.batches.add(())
        self._metrics.commit.observe_times((), reports[0].record)
        for report in reports:
            self._count(report)

    def failed(self, transient: bool, requests: int) -> None:
        """A batch could not be decided or recorded."""
        self._metrics.unrecorded.add(("transient" if transient else "persistent",), requests)

    def expired(self, automation: str, requests: int) -> None:
        """Nobody waited any more when it was the turn of so many requests."""
        self._metrics.expired.add((automation,), requests)

    def shadowed(self, automation: str, run: int, dropped: int) -> None:
        """So many rows were shown to shadows, and so many were not because there was no time."""
        self._metrics.shadows.add((automation, "run"), run)
        self._metrics.shadows.add((automation, "dropped"), dropped)

    def _count(self, report: BatchReport) -> None:
        metrics, n = self._metrics, len(report.judgements)
        arm = report.automation, report.model, str(report.version)
        self.decided += n
        metrics.batch_size.observe_times(arm, n)
        metrics.model_cpu.add(arm, report.cpu_us / 1e6)
        metrics.stages.observe_many((*arm, "queue"), report.queue)
        metrics.stages.observe_times((*arm, "features"), report.features, n)
        metrics.stages.observe_times((*arm, "predict"), report.predict, n)
        metrics.stages.observe_times((*arm, "policy"), report.policy, n)
        metrics.stages.observe_times((*arm, "record"), report.record, n)
        metrics.stages.observe_many((*arm, "whole"), report.whole)
        outcomes = [judgement.ruling.outcome for judgement in report.judgements]
        for outcome in set(outcomes):
            metrics.decisions.add((*arm, outcome), outcomes.count(outcome))
        for why, count in report.misplaced.items():
            metrics.misplaced.add((report.automation, why), count)
        if report.breached:
            self._tell_breaches(report)
        self._count_failures(report, arm)

    def _tell_breaches(self, report: BatchReport) -> None:
        """Count each, and log each name once in a while: one batch of a stream that went wrong is like the next."""
        now = monotonic()
        for name, count in report.breached.items():
            key = (report.automation, name)
            self._metrics.breached.add(key, count)
            if self._breached is not None:
                self._breached(report.automation, name, count)
            if now - self._told.get(key, -TOLD_EVERY) >= TOLD_EVERY:
                self._told[key] = now
                log.warning("expectation.breached", automation=report.automation, feature=name, decisions=count)

    def _count_failures(self, report: BatchReport, arm: tuple[str, str, str]) -> None:
        """Fallbacks by reason; errors are those fallbacks, and what the line itself could not compute or rule.

        Errors are counted from zero: Prometheus does not see that a counter grew which begins with one.
        """
        metrics = self._metrics
        persistent = sum([each.ruling.error is not None and each.fallback is None for each in report.judgements])
        transient = 0
        for reason, count in report.fallbacks.items():
            metrics.fallbacks.add((*arm, reason), count)
            if reason in TRANSIENT:
                transient += count
            elif reason != SPENT:
                persistent += count
        metrics.errors.add((*arm, "transient"), transient)
        metrics.errors.add((*arm, "persistent"), persistent)


class CommitTraces:
    """Tells one span for each batch, linked to the requests that it answered, and the stages of each; then whoever else listens."""

    def __init__(self, then: Watcher) -> None:
        self._then = then

    def batch(self, reports: Sequence[BatchReport]) -> None:
        """A batch was committed."""
        tell_commit(reports)
        for report in reports:
            tell_stages(report)
        self._then.batch(reports)

    def failed(self, transient: bool, requests: int) -> None:
        """A batch could not be decided; each request's own span says so."""
        self._then.failed(transient, requests)

    def expired(self, automation: str, requests: int) -> None:
        """Their time ran out; each request's own span says so."""
        self._then.expired(automation, requests)

    def shadowed(self, automation: str, run: int, dropped: int) -> None:
        """Shadows are in nobody's trace."""
        self._then.shadowed(automation, run, dropped)


class ProcedureMetrics:
    """Counts what procedures did. All of them run on one thread's event loop, so one thread writes."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def step_done(self, procedure: str, step: str, seconds: float) -> None:
        """A function of a step returned."""
        self._metrics.procedure_step_failures.add((procedure, step), 0)  # counted from zero
        self._metrics.procedure_step_seconds.observe_times((procedure, step), seconds)

    def step_failed(self, procedure: str, step: str) -> None:
        """A function of a step raised."""
        self._metrics.procedure_step_failures.add((procedure, step))

    def ended(self, procedure: str, *, failed: bool) -> None:
        """A procedure came to its end."""
        self._metrics.procedures_ended.add((procedure, "failed"), failed)
        self._metrics.procedures_ended.add((procedure, "done"), not failed)


class DeliveryMetrics:
    """Counts what the delivery loop did."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def answered(self, destination: str, answer: Answer, *, retry: bool, seconds: float) -> None:
        """An attempt ended."""
        self._metrics.dead_letters.add((destination,), 0)  # counted from zero
        self._metrics.deliveries.add((destination, answer.kind.value))
        self._metrics.delivery_seconds.observe_times((destination,), seconds)
        if retry:
            self._metrics.retries.add((destination,))

    def inquired(self, destination: str, answer: Answer) -> None:
        """A destination was asked what became of an attempt."""
        self._metrics.inquiries.add((destination, answer.kind.value))

    def held_back(self, destination: str, why: str) -> None:
        """A claimed action was given back untried."""
        self._metrics.held_back.add((destination, why))

    def gave_up(self, destination: str) -> None:
        """A delivery became a dead letter."""
        self._metrics.dead_letters.add((destination,))
