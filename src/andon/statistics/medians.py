"""Medians of a few values, with intervals that assume nothing of their distribution."""

from collections.abc import Sequence
from statistics import median

MedianInterval = tuple[float, float]


def median_interval(values: Sequence[float], confidence: float = 0.95) -> MedianInterval | None:
    """Compute the interval of the median between two order statistics (Thompson 1936); None where there are too few values.

    The `k`-th smallest lies above the median only if fewer than `k` of all values lie below it, each with probability
    one half. The largest `k` is taken for which that is as rare as half of what `confidence` leaves.
    """
    from scipy.stats import binom

    count = len(values)
    place = int(binom.ppf((1.0 - confidence) / 2, count, 0.5)) if count else 0
    if not place:
        return None
    ordered = sorted(values)
    return ordered[place - 1], ordered[count - place]


def median_of(values: Sequence[float]) -> float | None:
    """Compute the median; None of nothing."""
    return float(median(values)) if values else None
