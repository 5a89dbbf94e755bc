"""Metrics of one process, in a Prometheus registry of its own."""

from collections.abc import Callable, Iterable

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

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

METRICS_CONTENT_TYPE = CONTENT_TYPE_LATEST


class Metrics:
    """Every metric of Andon, in a registry of its own. What each means is its help text."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._gauge("andon_build_info", "Which version runs.", ("version",)).labels(__version__).set(1)
        self.requests = self._counter(
            "andon_http_requests_total", "Decide requests by answer.", ("automation", "status")
        )
        self.latency = self._histogram(
            "andon_decision_seconds", "From admission to the answer, commit included.", ("automation",)
        )
        self.commit = self._histogram("andon_commit_seconds", "One group commit of decisions.", ())
        self.decisions = self._counter("andon_decisions_total", "Recorded decisions.", ("automation", "outcome"))
        self.batches = self._counter("andon_batches_total", "Group commits.", ())
        self.errors = self._counter(
            "andon_errors_total", "Decisions and delivery attempts that failed, transient or persistent.", ("kind",)
        )
        self.model_cpu = self._counter(
            "andon_model_cpu_seconds_total", "CPU time spent predicting and ruling.", ("model", "version")
        )
        self.deliveries = self._counter(
            "andon_deliveries_total", "Delivery attempts by answer.", ("destination", "answer")
        )
        self.delivery_seconds = self._histogram("andon_delivery_seconds", "One delivery attempt.", ("destination",))
        self.dead_letters = self._counter("andon_dead_letters_total", "Deliveries given up.", ("destination",))
        self.retries = self._counter("andon_delivery_retries_total", "Attempts after the first.", ("destination",))
        self.reviews_opened = self._counter("andon_reviews_opened_total", "Reviews opened.", ())
        self.sealed = self._counter("andon_audit_checkpoints_total", "Checkpoints written.", ())

    def gauge_of(self, name: str, description: str, read: Callable[[], float], **labels: str) -> None:
        """A gauge that is read when it is scraped."""
        self.registry.register(_Read(name, description, labels, read))

    def text(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return generate_latest(self.registry)

    def _counter(self, name: str, description: str, labels: tuple[str, ...]) -> Counter:
        return Counter(name, description, labels, registry=self.registry)

    def _gauge(self, name: str, description: str, labels: tuple[str, ...]) -> Gauge:
        return Gauge(name, description, labels, registry=self.registry)

    def _histogram(self, name: str, description: str, labels: tuple[str, ...]) -> Histogram:
        return Histogram(name, description, labels, buckets=LATENCY_BUCKETS, registry=self.registry)


class _Read(Collector):
    def __init__(self, name: str, description: str, labels: dict[str, str], read: Callable[[], float]) -> None:
        self._name, self._description, self._labels, self._value = name, description, labels, read

    def collect(self) -> Iterable[Metric]:
        family = GaugeMetricFamily(self._name, self._description, labels=list(self._labels))
        family.add_metric(list(self._labels.values()), self._value())
        return [family]

    def describe(self) -> Iterable[Metric]:
        return [GaugeMetricFamily(self._name, self._description, labels=list(self._labels))]
