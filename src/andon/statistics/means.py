"""Means of measures such as money or seconds: mergeable moments, and whether a window's mean is unusual.

A window is judged against the means of windows of a reference period, so heavy tails and weekdays are accounted for.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, sqrt

import numpy as np
from numpy.typing import NDArray

from andon.statistics.dispersion import LEAST


@dataclass(frozen=True, slots=True)
class Moments:
    """Count, mean and sum of squared deviations of some values; add to merge (Chan, Golub and LeVeque 1983)."""

    count: int = 0
    mean: float = 0.0
    squares: float = 0.0

    @classmethod
    def of(cls, values: NDArray[np.float64]) -> "Moments":
        """Take the moments of values; those that are not finite are omitted."""
        present = values[np.isfinite(values)]
        if not len(present):
            return cls()
        mean = float(present.mean())
        return cls(len(present), mean, float(((present - mean) ** 2).sum()))

    def __add__(self, other: "Moments") -> "Moments":
        count = self.count + other.count
        if not count:
            return Moments()
        apart = other.mean - self.mean
        mean = self.mean + apart * other.count / count
        squares = self.squares + other.squares + apart * apart * self.count * other.count / count
        return Moments(count, mean, squares)

    @property
    def deviation(self) -> float:
        """The standard deviation of a value; 0 for fewer than two."""
        return sqrt(self.squares / (self.count - 1)) if self.count > 1 else 0.0


@dataclass(frozen=True, slots=True)
class MeanChange:
    """A window's mean beside the expected one, the interval that holds 95% of such windows, and a two-sided p-value."""

    expected: float
    observed: float
    low: float
    high: float
    p_value: float


def compare_means(reference: Sequence[Moments], current: Moments) -> MeanChange | None:
    """Judge a window by the reference's windows; None with fewer than eight of them or an empty window.

    The variance of a window's mean is that between windows, or the one of its own values if that is larger. Windows of
    a constant value that is still seen have a p-value of 1.
    """
    from scipy.special import stdtr, stdtrit

    used = [one for one in reference if one.count and isfinite(one.mean)]
    if len(used) < LEAST or not current.count or not isfinite(current.mean):
        return None
    total = sum(used, Moments())
    means = np.array([one.mean for one in used])
    between = float(means.var(ddof=1)) * (1 + 1 / len(used))
    within = total.deviation**2 * (1 / current.count + 1 / total.count)
    deviation = sqrt(max(between, within))
    freedom = len(used) - 1
    expected = float(means.mean())
    apart = current.mean - expected
    half = float(stdtrit(freedom, 0.975)) * deviation
    if deviation <= 1e-12 * max(abs(expected), 1e-300):
        same = abs(apart) <= 1e-9 * max(abs(expected), abs(current.mean))
        return MeanChange(expected, current.mean, expected, expected, 1.0 if same else 1 / (total.count + 1))
    p_value = 2 * float(stdtr(freedom, -abs(apart) / deviation))
    return MeanChange(expected, current.mean, expected - half, expected + half, p_value)
