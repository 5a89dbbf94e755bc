"""The metrics of decisions: one call per batch, none per decision."""

from collections.abc import Callable, Sequence
from time import monotonic

import structlog

from andon.decisions.report import BatchReport
from andon.kernel.metrics import LATENCY_BUCKETS, Metrics

log = structlog.get_logger(__name__)

STAGE_BUCKETS = (0.00005, 0.0001, 0.0002, *LATENCY_BUCKETS)
"""Buckets in seconds; a stage of a decision may take microseconds."""

SIZE_BUCKETS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0)
"""Decisions in a batch."""

TRANSIENT = frozenset({"PREDICTION_TIMED_OUT", "ENDPOINT_BUSY"})
"""Reasons for a fallback after which the same version may well answer the next time."""

TOLD_EVERY = 60.0
"""Seconds after which a breach of the same expectation is logged again."""

SPENT = "BUDGET_SPENT"
"""The reason for a fallback that is nobody's failure."""

_ARM = ("automation", "model", "version")


class DecisionMetrics:
    """Counts the work of the decider. Call it from the event loop only.

    `breached` receives the expectations that did not hold.
    """

    def __init__(self, metrics: Metrics, *, breached: Callable[[str, str, int], None] | None = None) -> None:
        self._declare(metrics)
        self._breached = breached
        self._told: dict[tuple[str, str], float] = {}
        self.decided = 0

    def batch(self, reports: Sequence[BatchReport]) -> None:
        """Count a committed batch; there is one report for each arm in it, so at least one."""
        self.batches.add(())
        self.commit.observe_times((), reports[0].record)
        for report in reports:
            self._count(report)

    def failed(self, transient: bool, requests: int) -> None:
        """Count a batch that could not be decided or recorded."""
        self.unrecorded.add(("transient" if transient else "persistent",), requests)

    def expired(self, automation: str, requests: int) -> None:
        """Count requests for which nobody waited any more at their turn."""
        self.overdue.add((automation,), requests)

    def shadowed(self, automation: str, run: int, dropped: int) -> None:
        """Count rows that were shown to shadows, and rows that were not because there was no time."""
        self.shadows.add((automation, "run"), run)
        self.shadows.add((automation, "dropped"), dropped)

    def _declare(self, metrics: Metrics) -> None:
        many = metrics.batch_counter
        self.commit = metrics.batch_histogram("andon_commit_seconds", "Duration of one group commit of decisions.")
        self.batches = many("andon_batches_total", "Group commits.")
        self.decisions = many("andon_decisions_total", "Recorded decisions.", (*_ARM, "outcome"))
        self.stages = metrics.batch_histogram(
            "andon_stage_seconds",
            "Time of a decision in each stage: queue, features, predict, policy, record; whole is from "
            "admission to the commit.",
            (*_ARM, "stage"),
            buckets=STAGE_BUCKETS,
        )
        self.batch_size = metrics.batch_histogram(
            "andon_batch_size", "Decisions in one batch of a version.", _ARM, buckets=SIZE_BUCKETS
        )
        self.model_cpu = many("andon_model_cpu_seconds_total", "CPU time spent predicting and ruling.", _ARM)
        self.errors = many(
            "andon_errors_total",
            "Decisions for which a version failed: transient (too slow, busy) or persistent (it raised, or its "
            "answer was invalid).",
            (*_ARM, "kind"),
        )
        self.fallbacks = many(
            "andon_fallbacks_total",
            "Decisions made by something other than this version, by reason.",
            (*_ARM, "reason"),
        )
        self.misplaced = many(
            "andon_events_misplaced_total",
            "Decisions that windows do not count at the time of their event: later than allowed (late), or "
            "ahead of Andon's clock (future).",
            ("automation", "why"),
        )
        self.breached = many(
            "andon_expectations_breached_total",
            "Values of features and fields that did not meet the automation's expectations.",
            ("automation", "feature"),
        )
        self.shadows = many(
            "andon_shadows_total",
            "Decisions that a shadow version ran on (run), or did not for lack of time or budget (dropped).",
            ("automation", "result"),
        )
        self.overdue = many(
            "andon_expired_total", "Requests whose caller no longer waited when their turn came.", ("automation",)
        )
        self.unrecorded = many(
            "andon_ledger_errors_total",
            "Decisions lost with their batch: the ledger was unavailable (transient), or something broke (persistent).",
            ("kind",),
        )
        for kind in ("transient", "persistent"):
            self.unrecorded.add((kind,), 0)

    def _count(self, report: BatchReport) -> None:
        n = len(report.judgements)
        arm = report.automation, report.model, str(report.version)
        self.decided += n
        self.batch_size.observe_times(arm, n)
        self.model_cpu.add(arm, report.cpu_us / 1e6)
        self.stages.observe_many((*arm, "queue"), report.queue)
        self.stages.observe_times((*arm, "features"), report.features, n)
        self.stages.observe_times((*arm, "predict"), report.predict, n)
        self.stages.observe_times((*arm, "policy"), report.policy, n)
        self.stages.observe_times((*arm, "record"), report.record, n)
        self.stages.observe_many((*arm, "whole"), report.whole)
        outcomes = [judgement.ruling.outcome for judgement in report.judgements]
        for outcome in set(outcomes):
            self.decisions.add((*arm, outcome), outcomes.count(outcome))
        for why, count in report.misplaced.items():
            self.misplaced.add((report.automation, why), count)
        if report.breached:
            self._tell_breaches(report)
        self._count_failures(report, arm)

    def _tell_breaches(self, report: BatchReport) -> None:
        """Count each breach, and log each name once in a while: the batches of a faulty stream are all alike."""
        now = monotonic()
        for name, count in report.breached.items():
            key = (report.automation, name)
            self.breached.add(key, count)
            if self._breached is not None:
                self._breached(report.automation, name, count)
            if now - self._told.get(key, -TOLD_EVERY) >= TOLD_EVERY:
                self._told[key] = now
                log.warning("expectation.breached", automation=report.automation, feature=name, decisions=count)

    def _count_failures(self, report: BatchReport, arm: tuple[str, str, str]) -> None:
        """Count fallbacks by reason; errors are these and the failures of the line's own features and rules.

        Errors are counted from zero: Prometheus does not notice the growth of a counter that begins with one.
        """
        persistent = sum([each.ruling.error is not None and each.fallback is None for each in report.judgements])
        transient = 0
        for reason, count in report.fallbacks.items():
            self.fallbacks.add((*arm, reason), count)
            if reason in TRANSIENT:
                transient += count
            elif reason != SPENT:
                persistent += count
        self.errors.add((*arm, "transient"), transient)
        self.errors.add((*arm, "persistent"), persistent)
