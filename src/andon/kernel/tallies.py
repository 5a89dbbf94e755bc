"""Counters and histograms for thousands of values a second: one call per batch, a fraction of a microsecond per value.

prometheus-client takes a lock for each value (1.1 µs); here one thread writes, and a scrape reads from any other. The
output is the same (`tests/unit/kernel/test_tallies.py` compares the two).
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate, repeat

import numpy as np
import numpy.typing as npt
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

Labels = tuple[str, ...]
"""The values of a metric's labels, in the order of their names."""

MANY = 48
"""The number of values above which numpy's fixed cost per call is less than a search for each value."""


class BatchCounter(Collector):
    """A counter with labels. Write from one thread only; the name has no `_total`, which the exposition adds."""

    def __init__(
        self, name: str, documentation: str, labelnames: Labels = (), *, registry: CollectorRegistry | None = None
    ) -> None:
        self.name, self.documentation, self.labelnames = name.removesuffix("_total"), documentation, labelnames
        self._counts: dict[Labels, float] = {} if labelnames else {(): 0.0}
        if registry is not None:
            registry.register(self)

    def add(self, labels: Labels, n: float = 1.0) -> None:
        """Count `n` more."""
        try:
            self._counts[labels] += n
        except KeyError:
            self._counts[labels] = float(n)

    @property
    def counts(self) -> Mapping[Labels, float]:
        """Return the present counts."""
        return dict(self._counts)

    def describe(self) -> Iterable[Metric]:
        """Return the name for the registry."""
        return [CounterMetricFamily(self.name, self.documentation, labels=self.labelnames)]

    def collect(self) -> Iterable[Metric]:
        """Return the present counts."""
        family = CounterMetricFamily(self.name, self.documentation, labels=self.labelnames)
        for labels, count in self._counts.copy().items():
            family.add_metric(labels, count)
        return [family]


class _Series:
    """One set of labels: the number of values in each bucket (the last is unbounded), and their sum."""

    __slots__ = ("counts", "total")

    def __init__(self, buckets: int) -> None:
        self.counts = [0] * buckets
        self.total = 0.0


class BatchHistogram(Collector):
    """A histogram with labels and these upper bounds, the infinite one left out. Write from one thread only."""

    def __init__(
        self,
        name: str,
        documentation: str,
        labelnames: Labels = (),
        *,
        buckets: Sequence[float],
        registry: CollectorRegistry | None = None,
    ) -> None:
        self.name, self.documentation, self.labelnames = name, documentation, labelnames
        self.buckets = tuple(map(float, buckets))
        self._bounds = np.array(self.buckets)
        self._series: dict[Labels, _Series] = {} if labelnames else {(): _Series(len(self.buckets) + 1)}
        if registry is not None:
            registry.register(self)

    def observe_times(self, labels: Labels, value: float, n: int = 1) -> None:
        """Record one value shared by `n` things."""
        series = self._series.get(labels) or self._new(labels)
        series.counts[bisect_left(self.buckets, value)] += n
        series.total += value * n

    def observe_many(self, labels: Labels, values: Sequence[float] | npt.NDArray[np.float64]) -> None:
        """Record several values, in any order."""
        series = self._series.get(labels) or self._new(labels)
        if len(values) < MANY:
            counts = series.counts
            for bucket in map(bisect_left, repeat(self.buckets), values):
                counts[bucket] += 1
            series.total += float(sum(values))
            return
        array = np.asarray(values, dtype=np.float64)
        found = np.bincount(self._bounds.searchsorted(array), minlength=len(series.counts))
        series.counts = [a + b for a, b in zip(series.counts, found.tolist(), strict=True)]
        series.total += float(array.sum())

    def describe(self) -> Iterable[Metric]:
        """Return the name for the registry."""
        return [HistogramMetricFamily(self.name, self.documentation, labels=self.labelnames)]

    def collect(self) -> Iterable[Metric]:
        """Return the present buckets, counts and sums."""
        family = HistogramMetricFamily(self.name, self.documentation, labels=self.labelnames)
        bounds = [*map(str, self.buckets), "+Inf"]
        for labels, series in self._series.copy().items():
            upto = accumulate(series.counts)
            family.add_metric(labels, list(zip(bounds, upto, strict=True)), series.total)
        return [family]

    def _new(self, labels: Labels) -> _Series:
        series = self._series[labels] = _Series(len(self.buckets) + 1)
        return series
