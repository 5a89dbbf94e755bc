"""Streams without and with a shift, watched like those of a line whose reference rows have times.

The false alarms are counted over whole periods of ninety days, with all tests together.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from andon.statistics.drift_watch import DriftWatch
from andon.statistics.histograms import Histograms, category, measured, reference_of
from andon.statistics.rhythms import DAY

Floats: TypeAlias = NDArray[np.float64]

FEATURES = 20
A_DAY = 1000
DAYS = 90
REFERENCE_ROWS = 50_000
CATEGORIES = 12
BEGIN = 2000 * DAY
SHIFTED = 0
"""The feature that is shifted, normally distributed."""


@dataclass(frozen=True, slots=True)
class Watched:
    """The result of one watched stream: the decision of its first alarm, None without one, and the alarm's test."""

    alarm_at: int | None
    by: str


def rows(rng: np.random.Generator, count: int) -> Floats:
    """Draw rows of twenty features: normal, skewed, heavy-tailed, counts, rare flags, categories, some missing."""
    matrix = np.empty((count, FEATURES))
    matrix[:, :8] = rng.standard_normal((count, 8))
    matrix[:, 8:11] = rng.lognormal(0, 1, (count, 3))
    matrix[:, 11:13] = rng.standard_t(3, (count, 2))
    matrix[:, 13:15] = rng.poisson(2, (count, 2))
    matrix[:, 15] = rng.random(count) < 0.01
    matrix[:, 16] = rng.random(count) < 0.3
    ranks = 1 / np.arange(1, CATEGORIES + 1) ** 1.5
    matrix[:, 17:20] = rng.choice(CATEGORIES, (count, 3), p=ranks / ranks.sum())
    matrix[rng.random(count) < 0.05, 9] = np.nan
    matrix[rng.random(count) < 0.4, 18] = np.nan
    return matrix


def reference(rng: np.random.Generator, count: int = REFERENCE_ROWS) -> "Watch":
    """Measure a training table of this many rows, A_DAY a day, and let a watch learn the rhythm of its times."""
    matrix = rows(rng, count)
    numbers = [measured(f"number {at}", matrix[:, at]) for at in range(17)]
    categories = []
    for at in range(17, FEATURES):
        seen = matrix[:, at][np.isfinite(matrix[:, at])].astype(np.int64)
        counts = np.bincount(seen, minlength=CATEGORIES).tolist()
        categories.append(
            category(f"category {at}", dict(zip(map(str, range(CATEGORIES)), counts, strict=True)), count - len(seen))
        )
    known = reference_of([*numbers, *categories])
    cells = known.binning.cells(matrix)
    times = (np.arange(count, dtype=np.float64) - count) * (DAY / A_DAY) + BEGIN
    return Watch(known, DriftWatch(known).learn(cells, times))


class Watch:
    """What watches the features of one line, day by day. Only findings that are not provisional are alarms."""

    def __init__(self, known: Histograms, watch: DriftWatch) -> None:
        self.known, self._watch = known, watch
        self._days = 0

    def day(self, matrix: Floats) -> Watched:
        """Follow a day; the alarm's decision is counted within the day."""
        before = self._days * A_DAY
        times = BEGIN + (before + np.arange(len(matrix), dtype=np.float64)) * (DAY / A_DAY)
        self._days += 1
        found = [one for one in self._watch.observe(self.known.binning.cells(matrix), times) if not one.provisional]
        first = min(found, key=lambda one: one.decision, default=None)
        return Watched(None, "") if first is None else Watched(first.decision - before, first.test)


def stationary(seed: int) -> Watched:
    """Watch ninety days without any change until the first alarm."""
    rng = np.random.default_rng(seed)
    watch = reference(rng)
    for day in range(DAYS):
        found = watch.day(rows(rng, A_DAY))
        if found.alarm_at is not None:
            return Watched(day * A_DAY + found.alarm_at, found.by)
    return Watched(None, "")


def shifted(seed: int, reference_rows: int, size: float = 0.2) -> Watched:
    """Watch two quiet days, then a shift of one feature at a random moment of the third; count from the shift."""
    rng = np.random.default_rng(seed)
    watch = reference(rng, reference_rows)
    begin = 2 * A_DAY + int(rng.integers(A_DAY))
    for day in range(4):
        matrix = rows(rng, A_DAY)
        matrix[np.arange(day * A_DAY, (day + 1) * A_DAY) >= begin, SHIFTED] += size
        found = watch.day(matrix)
        if found.alarm_at is not None:
            return Watched(day * A_DAY + found.alarm_at - begin + 1, found.by)
    return Watched(None, "")


def share_within(found: Sequence[Watched], decisions: int) -> float:
    """Return the share of shifts found within this many decisions, and not before they began."""
    return sum(one.alarm_at is not None and 0 < one.alarm_at <= decisions for one in found) / len(found)
