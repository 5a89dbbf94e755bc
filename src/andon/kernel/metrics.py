"""The metrics of one process, in its own Prometheus registry.

Slices declare their metrics in their own `metrics.py`; this module has the means.
"""

from collections.abc import Callable, Iterable, Sequence

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
"""Bucket bounds in seconds, finest where the latencies of decisions lie."""

METRICS_CONTENT_TYPE = CONTENT_TYPE_LATEST

Readings = Iterable[tuple[Labels, float]]
"""The values of a gauge by its labels."""


class Metrics:
    """A registry with its metrics. A metric's help text is its meaning."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.gauge("andon_build_info", "The running version.", ("version",)).labels(__version__).set(1)

    def batch_counter(self, name: str, description: str, labels: tuple[str, ...] = ()) -> BatchCounter:
        """Return a counter for thousands of increments a second; one thread writes it."""
        return BatchCounter(name, description, labels, registry=self.registry)

    def batch_histogram(
        self,
        name: str,
        description: str,
        labels: tuple[str, ...] = (),
        *,
        buckets: Sequence[float] = LATENCY_BUCKETS,
    ) -> BatchHistogram:
        """Return a histogram for thousands of values a second, in seconds unless other buckets are given."""
        return BatchHistogram(name, description, labels, buckets=buckets, registry=self.registry)

    def counter(self, name: str, description: str, labels: tuple[str, ...] = ()) -> Counter:
        """Return a counter that any thread may write."""
        return Counter(name, description, labels, registry=self.registry)

    def gauge(self, name: str, description: str, labels: tuple[str, ...] = ()) -> Gauge:
        """Return a gauge that is set."""
        return Gauge(name, description, labels, registry=self.registry)

    def gauge_of(self, name: str, description: str, read: Callable[[], float], **labels: str) -> None:
        """Register a gauge whose value is read at each scrape."""
        values = tuple(labels.values())
        self.gauges_of(name, description, lambda: [(values, read())], labels=tuple(labels))

    def gauges_of(
        self, name: str, description: str, read: Callable[[], Readings], *, labels: tuple[str, ...] = ()
    ) -> None:
        """Register a gauge with several values, read at each scrape."""
        self.registry.register(_Read(lambda: GaugeMetricFamily(name, description, labels=labels), read))

    def counts_of(
        self, name: str, description: str, read: Callable[[], Readings], *, labels: tuple[str, ...] = ()
    ) -> None:
        """Register a counter that is kept elsewhere and read at each scrape."""
        self.registry.register(_Read(lambda: CounterMetricFamily(name, description, labels=labels), read))

    def text(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self.registry)


class _Read(Collector):
    """Values that are kept elsewhere. A label set that is no longer read is no longer shown."""

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
