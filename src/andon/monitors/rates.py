"""Rates: is a share higher than what is expected, or than what an arm's own first windows had? Pure.

A window is judged against a fixed share by the bound of Hoeffding, and against earlier windows by Student's t, whose variance is
what these windows show of themselves. Both must reject: the t test knows natural variance, the bound knows rare events.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, inf, log, sqrt

FEWEST_WINDOWS = 5
"""Windows of a first period without which nothing is known of natural variance."""

_DOUBTED = 3.0
"""Standard errors by which the share of earlier windows may have been underestimated."""


@dataclass(frozen=True, slots=True)
class RateTest:
    """The p-value of a window's share beside earlier windows, and what they had: their share and the range of most windows."""

    p_value: float
    expected: float
    low: float
    high: float
    factor: float


def upper_tail(count: float, among: float, share: float) -> float:
    """Bound the probability of `count` or more hits where each of `among` is one with the mean probability `share`.

    exp(-n KL(k/n || p)), which holds for hits of different probabilities, too (Hoeffding 1963, theorem 1).
    """
    if among <= 0 or count <= among * share:
        return 1.0
    return exp(-among * _divergence(min(count / among, 1.0), share))


def lower_tail(count: float, among: float, share: float) -> float:
    """Bound the probability of `count` or fewer hits (the same, of what is no hit)."""
    return upper_tail(among - count, among, 1 - share)


def interval(count: float, among: float, z: float = 1.959964) -> tuple[float, float]:
    """Return the interval of a share (Wilson 1927); from 0 to 1 where nothing was seen."""
    if among <= 0:
        return 0.0, 1.0
    share, root = count / among, z * z / among
    middle = (share + root / 2) / (1 + root)
    half = sqrt(max(share * (1 - share) * root + root * root / 4, 0.0)) / (1 + root)
    return max(middle - half, 0.0), min(middle + half, 1.0)


def beside(
    count: float, among: float, earlier: Sequence[tuple[float, float]], *, side: int, slack: float = 0.0
) -> RateTest:
    """Test a share against those of earlier windows, each a count and what it is among.

    `side` is 1 for a higher share, -1 for a lower one, 0 for either. The variance between windows counts as a multiple of that
    of independent decisions, never less (quasi-likelihood, Wedderburn 1974). A difference of `slack` is no change.
    """
    from scipy.special import stdtr, stdtrit

    total = sum(n for _, n in earlier)
    share = sum(k for k, _ in earlier) / total if total else 0.0
    # Half a hit more: a share of nothing in so many decisions is none of exactly zero.
    careful = (share * total + 0.5) / (total + 1)
    variance = careful * (1 - careful)
    freedom = max(len(earlier) - 1, 1)
    factor = max(sum((k - n * share) ** 2 / (n * variance) for k, n in earlier if n) / freedom, 1.0)
    spread = sqrt(factor * variance * (1 / max(among, 1) + 1 / max(total, 1)))
    reach = float(stdtrit(freedom, 0.975)) * spread
    now = count / among if among else share
    difference = now - share
    distance = max((difference * side if side else abs(difference)) - slack, 0.0)
    one_sided = float(stdtr(freedom, -distance / spread)) if spread else 1.0
    high = min(careful + _DOUBTED * sqrt(factor * variance / max(total, 1)), 1.0)
    low = max(careful - _DOUBTED * sqrt(factor * variance / max(total, 1)), 0.0)
    bound = _bound(count / factor, among / factor, low, high, side if side else (1 if difference > 0 else -1))
    p_value = min(max(one_sided, bound) * (2 if side == 0 else 1), 1.0)
    return RateTest(p_value, share, max(share - reach, 0.0), min(share + reach, 1.0), factor)


def mean_beside(value: float, earlier: Sequence[float], *, least_spread: float) -> tuple[float, float, float]:
    """Return the one-sided p-value of a higher value than earlier ones had (Student's t), their mean and spread."""
    from scipy.special import stdtr

    count = len(earlier)
    mean = sum(earlier) / count
    freedom = count - 1
    deviation = sqrt(sum((one - mean) ** 2 for one in earlier) / freedom) if freedom else inf
    spread = max(deviation, least_spread * abs(mean)) * sqrt(1 + 1 / count)
    p_value = float(stdtr(freedom, -(value - mean) / spread)) if freedom and 0 < spread < inf else 1.0
    return p_value, mean, spread


def difference_interval(k: float, n: float, j: float, m: float, z: float) -> tuple[float, float]:
    """Return the interval of the difference of two shares, the first less the second (Newcombe 1998, method 10)."""
    if n <= 0 or m <= 0:
        return -1.0, 1.0
    one, other = k / n, j / m
    one_low, one_high = interval(k, n, z)
    other_low, other_high = interval(j, m, z)
    difference = one - other
    low = difference - sqrt((one - one_low) ** 2 + (other_high - other) ** 2)
    high = difference + sqrt((one_high - one) ** 2 + (other - other_low) ** 2)
    return low, high


def normal_quantile(share: float) -> float:
    """Return the z above which a standard normal value lies with this probability."""
    from scipy.special import ndtri

    return float(-ndtri(share))


def _bound(count: float, among: float, low: float, high: float, side: int) -> float:
    return upper_tail(count, among, high) if side > 0 else lower_tail(count, among, low)


def _divergence(one: float, other: float) -> float:
    """Compute the Kullback-Leibler divergence of two shares."""
    found = 0.0
    for p, q in ((one, other), (1 - one, 1 - other)):
        if p > 0:
            found += inf if q <= 0 else p * log(p / q)
    return found
