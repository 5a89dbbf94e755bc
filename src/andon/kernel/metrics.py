"""Metrics of one process, in a Prometheus registry of its own."""

from collections.abc import Callable, Iterable

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from andon.kernel.tallies import BatchCounter, BatchHistogram, Labels
from andon.version import __version__

LATENCY_BUCKETS = (
    0.0005,
    0.001,
    0.002,
    0.003,
    0.005,
    0.0075,
    0.01,
    0.02,
    0.03,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
)
"""Seconds; fine where a decision's answer lies."""

STAGE_BUCKETS = (0.00005, 0.0001, 0.0002, *LATENCY_BUCKETS)
"""Seconds; a stage of a decision may take microseconds."""

SIZE_BUCKETS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0)
"""Decisions in a batch."""

METRICS_CONTENT_TYPE = CONTENT_TYPE_LATEST

Readings = Iterable[tuple[Labels, float]]
"""The values of a gauge by its labels."""

_ARM = ("automation", "model", "version")


class Metrics:
    """Every metric of Andon, in a registry of its own. What each means is its help text.

    What moves with each decision is a `BatchCounter` or `BatchHistogram`, written from the event loop only.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._gauge("andon_build_info", "Which version runs.", ("version",)).labels(__version__).set(1)
        self.requests = self._many("andon_http_requests_total", "Decide requests by answer.", ("automation", "status"))
        self.latency = self._seconds(
            "andon_decision_seconds", "From admission to the answer, commit included.", ("automation",)
        )
        self.commit = self._seconds("andon_commit_seconds", "One group commit of decisions.")
        self.batches = self._many("andon_batches_total", "Group commits.")
        self._add_decisions()
        self._add_refusals()
        self._add_cost()
        self._add_streams()
        self._add_what_follows()
        self.loop_lag = self._seconds(
            "andon_event_loop_lag_seconds",
            "How late the event loop woke a task that slept: what every request waits as well.",
        )

    def gauge_of(self, name: str, description: str, read: Callable[[], float], **labels: str) -> None:
        """A gauge that is read when it is scraped."""
        values = tuple(labels.values())
        self.gauges_of(name, description, lambda: [(values, read())], labels=tuple(labels))

    def gauges_of(
        self, name: str, description: str, read: Callable[[], Readings], *, labels: tuple[str, ...] = ()
    ) -> None:
        """A gauge with several values that are read when it is scraped."""
        self.registry.register(_Read(lambda: GaugeMetricFamily(name, description, labels=labels), read))

    def counts_of(
        self, name: str, description: str, read: Callable[[], Readings], *, labels: tuple[str, ...] = ()
    ) -> None:
        """A counter that somebody else keeps, read when it is scraped."""
        self.registry.register(_Read(lambda: CounterMetricFamily(name, description, labels=labels), read))

    def text(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return generate_latest(self.registry)

    def _add_decisions(self) -> None:
        """What the decider tells once a batch."""
        self.decisions = self._many("andon_decisions_total", "Recorded decisions.", (*_ARM, "outcome"))
        self.stages = BatchHistogram(
            "andon_stage_seconds",
            "What a decision waited for: queue, features, predict, policy, record; and whole, from admission to the commit.",
            (*_ARM, "stage"),
            buckets=STAGE_BUCKETS,
            registry=self.registry,
        )
        self.batch_size = BatchHistogram(
            "andon_batch_size",
            "Decisions in one batch of a version.",
            _ARM,
            buckets=SIZE_BUCKETS,
            registry=self.registry,
        )
        self.model_cpu = self._many("andon_model_cpu_seconds_total", "CPU time spent predicting and ruling.", _ARM)
        self.errors = self._many(
            "andon_errors_total",
            "Decisions for which a version failed: transient (too slow, busy) or persistent (it raised, or gave nonsense).",
            (*_ARM, "kind"),
        )
        self.fallbacks = self._many(
            "andon_fallbacks_total",
            "Decisions that something else than this version made, by the reason.",
            (*_ARM, "reason"),
        )
        self.misplaced = self._many(
            "andon_events_misplaced_total",
            "Decisions that windows do not have at the time of their event: later than allowed (late), or ahead of our clock (future).",
            ("automation", "why"),
        )
        self.breached = self._many(
            "andon_expectations_breached_total",
            "Values of features and fields that were not as the automation expects.",
            ("automation", "feature"),
        )
        self.shadows = self._many(
            "andon_shadows_total",
            "Decisions shown to a shadow version (run), or not because there was no time or no budget left (dropped).",
            ("automation", "result"),
        )

    def _add_refusals(self) -> None:
        """What was not decided."""
        self.refused = self._many(
            "andon_refused_total",
            "Requests sent away for want of room or time, by the reason: rate, queue, deadline.",
            ("automation", "reason"),
        )
        self.expired = self._many(
            "andon_expired_total", "Requests for which nobody waited any more when it was their turn.", ("automation",)
        )
        self.unrecorded = self._many(
            "andon_ledger_errors_total",
            "Decisions lost with their batch: the ledger was away (transient), or something broke (persistent).",
            ("kind",),
        )
        for kind in ("transient", "persistent"):
            self.unrecorded.add((kind,), 0)

    def _add_cost(self) -> None:
        """What computing costs; money in units of the currency."""
        self.cost = self._many(
            "andon_cost_total",
            "Price of the CPU and GPU time that decisions by a version took, without idle time.",
            ("automation", "version", "currency"),
        )
        self.budget_used = self._gauge(
            "andon_budget_used_ratio",
            "Which part of its budget an automation spent in this period.",
            ("automation", "per"),
        )
        self.budget_amount = self._gauge(
            "andon_budget_amount",
            "The budget of an automation for a day or a month.",
            ("automation", "per", "currency"),
        )

    def _add_streams(self) -> None:
        """What came as events."""
        labels = ("automation", "stream")
        self.stream_events = self._many(
            "andon_stream_events_total",
            "Events taken from a stream, by the result: decided, repeated, left_out, dead.",
            (*labels, "result"),
        )
        self.stream_lost = self._many(
            "andon_stream_lost_total", "Messages that a source removed before they were read.", labels
        )
        self.stream_failures = self._many(
            "andon_stream_failures_total", "Tries to read or decide a stream that failed and are made again.", labels
        )

    def _add_what_follows(self) -> None:
        """What a worker does after decisions."""
        self.deliveries = self._many(
            "andon_deliveries_total", "Delivery attempts by answer.", ("destination", "answer")
        )
        self.delivery_seconds = self._seconds("andon_delivery_seconds", "One delivery attempt.", ("destination",))
        self.dead_letters = self._many("andon_dead_letters_total", "Deliveries given up.", ("destination",))
        self.retries = self._many(
            "andon_delivery_retries_total", "Attempts after an earlier one was answered.", ("destination",)
        )
        self.held_back = self._many(
            "andon_deliveries_held_back_total",
            "Claimed actions that were given back untried, by the reason: breaker, retry_budget, unknown (to this worker).",
            ("destination", "reason"),
        )
        self.inquiries = self._many(
            "andon_delivery_inquiries_total",
            "Destinations asked whether they took an earlier attempt, by what they said.",
            ("destination", "answer"),
        )
        self._add_procedures()
        self.reviews_opened = self._counter("andon_reviews_opened_total", "Reviews opened.", ())
        self.sealed = self._counter("andon_audit_checkpoints_total", "Checkpoints written.", ())
        self.chores_failed = self._counter(
            "andon_chores_failed_total",
            "Runs of a worker's own chore that failed by an error nobody foresaw; its log says which.",
            ("chore",),
        )

    def _add_procedures(self) -> None:
        """What procedures do in a worker."""
        self.procedure_step_seconds = self._seconds(
            "andon_procedure_step_seconds", "One call of a step's function that returned.", ("procedure", "step")
        )
        self.procedure_step_failures = self._many(
            "andon_procedure_step_failures_total",
            "Calls of a step's function that raised; some are tried again.",
            ("procedure", "step"),
        )
        self.procedures_ended = self._many(
            "andon_procedures_ended_total",
            "Procedures that came to their end: done or failed.",
            ("procedure", "result"),
        )

    def _many(self, name: str, description: str, labels: tuple[str, ...] = ()) -> BatchCounter:
        return BatchCounter(name, description, labels, registry=self.registry)

    def _seconds(self, name: str, description: str, labels: tuple[str, ...] = ()) -> BatchHistogram:
        return BatchHistogram(name, description, labels, buckets=LATENCY_BUCKETS, registry=self.registry)

    def _counter(self, name: str, description: str, labels: tuple[str, ...]) -> Counter:
        return Counter(name, description, labels, registry=self.registry)

    def _gauge(self, name: str, description: str, labels: tuple[str, ...]) -> Gauge:
        return Gauge(name, description, labels, registry=self.registry)


class _Read(Collector):
    """Values that somebody else keeps. A label set that is not read any more is not shown any more."""

    def __init__(
        self, empty: Callable[[], GaugeMetricFamily | CounterMetricFamily], read: Callable[[], Readings]
    ) -> None:
        self._empty, self._read = empty, read

    def collect(self) -> Iterable[Metric]:
        family = self._empty()
        for labels, value in self._read():
            family.add_metric(labels, value)
        return [family]

    def describe(self) -> Iterable[Metric]:
        return [self._empty()]
