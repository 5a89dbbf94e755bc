"""Rates: bounds of a share against a fixed expectation, and intervals of shares and of their difference. Pure."""

from math import exp, inf, log, sqrt


def upper_tail(count: float, among: float, share: float) -> float:
    """Bound the probability of `count` or more hits among `among` trials with the mean probability `share`.

    exp(-n KL(k/n || p)), which also holds for trials of different probabilities (Hoeffding 1963, theorem 1).
    """
    if among <= 0 or count <= among * share:
        return 1.0
    return exp(-among * _divergence(min(count / among, 1.0), share))


def lower_tail(count: float, among: float, share: float) -> float:
    """Bound the probability of `count` or fewer hits: the same bound, for the misses."""
    return upper_tail(among - count, among, 1 - share)


def interval(count: float, among: float, z: float = 1.959964) -> tuple[float, float]:
    """Return the interval of a share (Wilson 1927); from 0 to 1 if nothing was seen."""
    if among <= 0:
        return 0.0, 1.0
    share, root = count / among, z * z / among
    middle = (share + root / 2) / (1 + root)
    half = sqrt(max(share * (1 - share) * root + root * root / 4, 0.0)) / (1 + root)
    return max(middle - half, 0.0), min(middle + half, 1.0)


def difference_interval(k: float, n: float, j: float, m: float, z: float) -> tuple[float, float]:
    """Return the interval of the difference of two shares, the first minus the second (Newcombe 1998, method 10)."""
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


def _divergence(one: float, other: float) -> float:
    """Compute the Kullback-Leibler divergence of two shares."""
    found = 0.0
    for p, q in ((one, other), (1 - one, 1 - other)):
        if p > 0:
            found += inf if q <= 0 else p * log(p / q)
    return found
