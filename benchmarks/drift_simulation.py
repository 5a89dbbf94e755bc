"""Streams without and with a shift, watched like those of a line: detectors after every decision, and a daily window.

The false alarms are counted over whole periods of ninety days, with all tests together.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from andon.statistics.detectors import DriftDetector
from andon.statistics.histograms import Histograms, category, measured, reference_of
from andon.statistics.levels import PERIOD_DECISIONS, detector_level, window_level
from andon.statistics.shifts import compare

Floats: TypeAlias = NDArray[np.float64]

FEATURES = 20
A_DAY = 1000
DAYS = 90
REFERENCE_ROWS = 50_000
CATEGORIES = 12
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


def reference(rng: np.random.Generator, count: int = REFERENCE_ROWS) -> Histograms:
    """Measure the reference of a training table of this many rows."""
    matrix = rows(rng, count)
    numbers = [measured(f"number {at}", matrix[:, at]) for at in range(17)]
    categories = []
    for at in range(17, FEATURES):
        seen = matrix[:, at][np.isfinite(matrix[:, at])].astype(np.int64)
        counts = np.bincount(seen, minlength=CATEGORIES).tolist()
        categories.append(
            category(f"category {at}", dict(zip(map(str, range(CATEGORIES)), counts, strict=True)), count - len(seen))
        )
    return reference_of([*numbers, *categories])


class Watch:
    """Everything that watches the features of one line: detectors, and a comparison of each day with the reference."""

    def __init__(self, known: Histograms) -> None:
        self._known = known
        self._detector = DriftDetector(known, false_alarm=detector_level(), decisions=PERIOD_DECISIONS)
        self._days = 0

    def day(self, matrix: Floats) -> Watched:
        """Follow a day; the alarm's decision is counted within the day."""
        cells = self._known.binning.cells(matrix)
        before = self._days * A_DAY
        self._days += 1
        found = self._detector.update(cells)
        if found:
            first = min(found, key=lambda one: one.decision)
            return Watched(first.decision - before, first.test)
        compared = compare(self._known, self._known.binning.count_cells(cells))
        if (compared.adjusted <= window_level(DAYS)).any():
            return Watched(A_DAY - 1, min(compared.shifts(), key=lambda one: one.p_value).test)
        return Watched(None, "")


def stationary(seed: int) -> Watched:
    """Watch ninety days without any change until the first alarm."""
    rng = np.random.default_rng(seed)
    watch = Watch(reference(rng))
    for day in range(DAYS):
        found = watch.day(rows(rng, A_DAY))
        if found.alarm_at is not None:
            return Watched(day * A_DAY + found.alarm_at, found.by)
    return Watched(None, "")


def shifted(seed: int, reference_rows: int, size: float = 0.2) -> Watched:
    """Watch two quiet days, then a shift of one feature at a random moment of the third; count from the shift."""
    rng = np.random.default_rng(seed)
    watch = Watch(reference(rng, reference_rows))
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
