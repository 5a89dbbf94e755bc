"""Proportions: intervals of one share, and whether a share differs from that of a reference period.

For shares such as overrides, errors or automatic decisions. Windows of the reference period show how much the share
varies by itself; where that is more than chance explains, a change must stand out from it too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log, sqrt

from andon.statistics.dispersion import CHANCE, LEAST


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


def wilson(some: int, total: int, confidence: float = 0.95) -> tuple[float, float]:
    """Compute the score interval of a share (Wilson 1927); 0 to 1 where there are no cases."""
    from scipy.special import ndtri

    if total == 0:
        return 0.0, 1.0
    z = float(ndtri((1 + confidence) / 2))
    share = some / total
    middle = (share + z * z / (2 * total)) / (1 + z * z / total)
    half = z * sqrt(share * (1 - share) / total + z * z / (4 * total * total)) / (1 + z * z / total)
    return max(middle - half, 0.0) if some else 0.0, min(middle + half, 1.0) if some < total else 1.0


def exact_p_value(current: Proportion, reference: Proportion) -> float:
    """Compute the two-sided exact p-value of two shares, twice the smaller tail (Fisher 1935)."""
    from scipy.stats import hypergeom

    if current.all == 0 or reference.all == 0:
        return 1.0
    both = current + reference
    more = hypergeom.sf(current.some - 1, both.all, both.some, current.all)
    fewer = hypergeom.cdf(current.some, both.all, both.some, current.all)
    return float(min(2 * min(more, fewer), 1.0))


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
