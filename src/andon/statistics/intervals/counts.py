"""Intervals of the rate of rare events, from their count, and of the median of a few values."""

from collections.abc import Sequence
from statistics import median


def rate_interval(count: int, exposure: float, confidence: float = 0.95) -> tuple[float, float]:
    """Compute the exact two-sided interval of a Poisson rate from `count` events in an `exposure` above zero.

    The bounds are quantiles of Gamma(count) and Gamma(count + 1), with `(1 - confidence) / 2` in each tail (Garwood
    1936).
    """
    from scipy.special import gammaincinv

    tail = (1.0 - confidence) / 2
    low = float(gammaincinv(count, tail)) if count else 0.0
    return low / exposure, float(gammaincinv(count + 1, 1.0 - tail)) / exposure


def median_interval(values: Sequence[float], confidence: float = 0.95) -> tuple[float, float] | None:
    """Compute the interval of the median between two order statistics (Thompson 1936); None for too few values.

    The `k`-th smallest lies above the median only if fewer than `k` values lie below it. Each value does so with
    probability one half. `k` is the largest number for which that has at most the probability `(1 - confidence) / 2`.
    """
    from scipy.stats import binom

    count = len(values)
    place = int(binom.ppf((1.0 - confidence) / 2, count, 0.5)) if count else 0
    if not place:
        return None
    ordered = sorted(values)
    return ordered[place - 1], ordered[count - place]


def median_of(values: Sequence[float]) -> float | None:
    """Compute the median; None without values."""
    return float(median(values)) if values else None
