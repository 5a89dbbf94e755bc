"""Intervals of a share of cases, and of the difference of two shares.

The exact ones (Clopper and Pearson 1934) hold at any level and size; take them for findings. Wilson's (1927) is
narrower and holds on average over shares, at the usual levels; take it for figures that are only shown. Counts need not
be whole: cases with weights count as the number of plain cases that they are worth (Kish 1965).
"""

from collections.abc import Sequence
from math import sqrt
from typing import NamedTuple

import numpy as np

_HALVINGS = 30
_SHARES = 129
"""Shares that are tried for one difference: the evidence changes by under a hundredth between two of them."""


def upper_bound(some: float, total: float, confidence: float) -> float:
    """Compute the exact one-sided upper bound of a share.

    It is the `confidence` quantile of Beta(some + 1, total - some).
    """
    from scipy.special import betaincinv

    return 1.0 if some >= total else float(betaincinv(some + 1, total - some, confidence))


def lower_bound(some: float, total: float, confidence: float) -> float:
    """Compute the exact one-sided lower bound of a share.

    It is the `1 - confidence` quantile of Beta(some, total - some + 1).
    """
    from scipy.special import betaincinv

    return 0.0 if some <= 0 else float(betaincinv(some, total - some + 1, 1.0 - confidence))


def share_interval(some: float, total: float, confidence: float = 0.95) -> tuple[float, float]:
    """Compute the exact two-sided interval of a share; 0 to 1 where there are no cases."""
    if not total:
        return 0.0, 1.0
    one_sided = (1.0 + confidence) / 2
    return lower_bound(some, total, one_sided), upper_bound(some, total, one_sided)


def wilson(some: float, total: float, confidence: float = 0.95) -> tuple[float, float]:
    """Compute the score interval of a share; 0 to 1 where there are no cases."""
    from scipy.special import ndtri

    if total <= 0:
        return 0.0, 1.0
    z = float(ndtri((1 + confidence) / 2))
    share = some / total
    middle = (share + z * z / (2 * total)) / (1 + z * z / total)
    half = z * sqrt(max(share * (1 - share), 0.0) / total + z * z / (4 * total * total)) / (1 + z * z / total)
    return max(middle - half, 0.0) if some else 0.0, min(middle + half, 1.0) if some < total else 1.0


def difference_interval(first: tuple[float, float], second: tuple[float, float], level: float) -> tuple[float, float]:
    """Compute the exact interval of the first share minus the second, each some of all cases; -1 to 1 without cases.

    It holds every difference of two shares for which both counts are not too improbable together: the product of their
    exact tails is at most `c` with probability at most `c (1 - ln c)` (Fisher 1932). So the level holds far in the
    tails, where approximations for 95% have several times as many errors.
    """
    if first[1] <= 0 or second[1] <= 0:
        return -1.0, 1.0
    return _least_difference(first, second, level / 2), -_least_difference(second, first, level / 2)


def _least_difference(first: tuple[float, float], second: tuple[float, float], level: float) -> float:
    """Find the least difference for which some pair of shares is not rejected, by halving an interval."""
    from scipy.special import betainc, lambertw

    rejected = float(np.exp(1 + lambertw(-level / np.e, -1).real))
    (some, total), (other, all_) = first, second
    least, most = lower_bound(some, total, 1 - rejected), upper_bound(other, all_, 1 - rejected)
    low, high = least - most, some / total - other / all_
    part = np.linspace(0.0, 1.0, _SHARES)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        share = least + (most + middle - least) * part
        as_many = betainc(some, total - some + 1, np.clip(share, 0, 1)) if some > 0 else 1.0
        as_few = betainc(all_ - other, other + 1, np.clip(1 - share + middle, 0, 1)) if other < all_ else 1.0
        low, high = (low, middle) if np.max(as_many * as_few) > rejected else (middle, high)
    return low


class Stratum(NamedTuple):
    """Cases that were looked at with about the same probability.

    `part` is their part of all cases, `share` the share that is counted among them, `worth` how many plain cases they
    are worth.
    """

    part: float
    share: float
    worth: float


def stratified_share(strata: Sequence[Stratum], *, parts_known: bool) -> tuple[float, float]:
    """Compute the share over all strata, and how many plain cases it is worth.

    Each stratum's variance is that of one more case, half of which counts: a few cases without an error do not show
    that there is none. Where the parts of the strata are estimated from the same cases, they add to the variance.
    """
    careful = [(one.share * one.worth + 0.5) / (one.worth + 1) for one in strata]
    whole = sum(one.part * share for one, share in zip(strata, careful, strict=True))
    variance = sum(
        one.part**2 / one.worth * (share * (1 - share) + (0.0 if parts_known else (share - whole) ** 2))
        for one, share in zip(strata, careful, strict=True)
    )
    return sum(one.part * one.share for one in strata), whole * (1 - whole) / variance if variance else 0.0
