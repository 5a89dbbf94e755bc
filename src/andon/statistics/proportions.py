"""Proportions: whether a share differs from that of a reference period, or is above a fixed one.

For shares such as overrides, errors or automatic decisions. Windows of the reference period show how much the share
varies by itself; where that is more than chance explains, a change must stand out from it too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, inf, log, sqrt

from andon.statistics.dispersion import CHANCE, LEAST
from andon.statistics.intervals import wilson


@dataclass(frozen=True, slots=True)
class Proportion:
    """Some of all cases."""

    some: int
    all: int

    @property
    def share(self) -> float:
        """The share; 0 of nothing."""
        return self.some / self.all if self.all else 0.0

    def __add__(self, other: "Proportion") -> "Proportion":
        return Proportion(self.some + other.some, self.all + other.all)


NOTHING = Proportion(0, 0)


@dataclass(frozen=True, slots=True)
class ShareComparison:
    """A share beside its reference: the 95% interval of the current share, and a two-sided p-value.

    A `dispersion` of 1 stands for chance alone.
    """

    expected: float
    observed: float
    low: float
    high: float
    p_value: float
    dispersion: float


def exact_p_value(current: Proportion, reference: Proportion) -> float:
    """Compute the two-sided exact p-value of two shares, twice the smaller tail (Fisher 1935)."""
    from scipy.stats import hypergeom

    if current.all == 0 or reference.all == 0:
        return 1.0
    both = current + reference
    more = hypergeom.sf(current.some - 1, both.all, both.some, current.all)
    fewer = hypergeom.cdf(current.some, both.all, both.some, current.all)
    return float(min(2 * min(more, fewer), 1.0))


def upper_tail(count: float, among: float, share: float) -> float:
    """Bound the probability of `count` or more hits among `among` trials with the mean probability `share`.

    exp(-n KL(k/n || p)), which also holds for trials of different probabilities (Hoeffding 1963, theorem 1).
    """
    if among <= 0 or count <= among * share:
        return 1.0
    return exp(-among * _divergence(min(count / among, 1.0), share))


def _divergence(one: float, other: float) -> float:
    """Compute the Kullback-Leibler divergence of two shares."""
    found = 0.0
    for p, q in ((one, other), (1 - one, 1 - other)):
        if p > 0:
            found += inf if q <= 0 else p * log(p / q)
    return found


def compare_shares(reference: Sequence[Proportion], current: Proportion) -> ShareComparison:
    """Compare a window with the windows of a reference period; without either the p-value is 1."""
    total = sum(reference, NOTHING)
    low, high = wilson(current.some, current.all)
    factor, freedom = _dispersion(reference, total)
    p_value = exact_p_value(current, total) if factor == 1 else _wandering(current, total, factor, freedom)
    return ShareComparison(total.share, current.share, low, high, p_value, factor)


def _dispersion(windows: Sequence[Proportion], total: Proportion) -> tuple[float, int]:
    """Estimate the variance between windows relative to the binomial one (Pearson's chi-square over its freedom)."""
    from scipy.special import chdtrc

    used = [one for one in windows if one.all]
    variance = total.share * (1 - total.share)
    if len(used) < LEAST or variance == 0:
        return 1.0, 0
    squares = sum((one.some - one.all * total.share) ** 2 / (one.all * variance) for one in used)
    freedom = len(used) - 1
    return (max(squares / freedom, 1.0), freedom) if chdtrc(freedom, squares) < CHANCE else (1.0, 0)


def _wandering(current: Proportion, total: Proportion, factor: float, freedom: int) -> float:
    """Judge the signed root of the likelihood ratio, divided by the dispersion, by Student's t."""
    from scipy.special import stdtr

    if current.all == 0 or total.all == 0:
        return 1.0
    both = current + total
    deviance = sum(_deviance(one, both.share) for one in (current, total))
    return float(min(2 * stdtr(freedom, -sqrt(max(deviance, 0.0) / factor)), 1.0))


def _deviance(seen: Proportion, share: float) -> float:
    parts = ((seen.some, share), (seen.all - seen.some, 1 - share))
    return 2 * sum(count * log(count / (seen.all * part)) for count, part in parts if count)
