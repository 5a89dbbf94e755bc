"""Quantiles of two arms under confidence sequences: intervals and tests that hold at all looks together.

If the quantile `p` is `x`, a value is at most `x` with probability `p`. A bet on a lower or a higher probability is a
mixture of likelihood ratios over rates below or above `p` (a truncated beta; Howard and Ramdas, Bernoulli 2022, arXiv
1906.09712, with Robbins 1970). For two arms the bets at one `x` multiply; the least product over `x` is the evidence.

The values of an arm may have any distribution, but it must stay the same. A mix of values that changes together with
the shares makes a bias: begin anew with each share. `over_stages` is the evidence of several shares together. Slow
answers as a rate (`rate_ratios`) need no such care. Bins grow by 2%, so that states can be merged; an interval ends at
the edges of bins.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]

GROWTH: Final = 1.02
SMALLEST: Final = 1e-6
"""Values up to this one share a bin."""

LARGEST: Final = 1e6
"""Values from this one on share a bin, so a state has at most 1,397 bins."""

WEIGHT: Final = 100.0
"""The weight of the beta mixture, in values. Sequences are narrowest at about ten times as many values."""

_TINY = 1e-290
"""Below this, a float loses digits."""

_TERMS = np.arange(64.0)[:, None]


@dataclass(frozen=True, slots=True)
class GrowingBins:
    """Counts of values in bins that grow.

    Bin `first + i` holds the values above GROWTH ** (first + i - 1) and up to GROWTH ** (first + i).
    """

    first: int = 0
    counts: tuple[int, ...] = ()

    @classmethod
    def of(cls, values: Floats) -> "GrowingBins":
        """Count values; those that are not finite are left out."""
        present = values[np.isfinite(values)]
        if not len(present):
            return cls()
        bins = np.ceil(np.log(np.clip(present, SMALLEST, LARGEST)) / math.log(GROWTH)).astype(np.int64)
        first = int(bins.min())
        return cls(first, tuple(np.bincount(bins - first).tolist()))

    def __add__(self, other: "GrowingBins") -> "GrowingBins":
        filled = [one for one in (self, other) if one.counts]
        if not filled:
            return self
        first = min(one.first for one in filled)
        merged = np.zeros(max(one.first + len(one.counts) for one in filled) - first, np.int64)
        for one in filled:
            merged[one.first - first : one.first - first + len(one.counts)] += one.counts
        return GrowingBins(first, tuple(merged.tolist()))

    @property
    def total(self) -> int:
        """The number of all values."""
        return sum(self.counts)

    def scaled(self, total: int) -> "GrowingBins":
        """Return bins with `total` values in the same proportions, each count up to an edge rounded."""
        below = np.concatenate([[0], np.cumsum(self.counts)])
        rounded = np.rint(below * (total / self.total)).astype(np.int64)
        return GrowingBins(self.first, tuple(np.diff(rounded).tolist()))

    def quantile(self, share: float) -> float:
        """Return the upper edge of the bin that holds a quantile; 0 without values."""
        below = np.cumsum(self.counts)
        return GROWTH ** (self.first + int(np.searchsorted(below, share * self.total))) if self.total else 0.0

    def up_to(self, edges: NDArray[np.int64]) -> Floats:
        """Count the values up to the upper edge of each of these bins."""
        below = np.concatenate([[0], np.cumsum(self.counts)])
        counted: Floats = below[np.clip(edges - self.first + 1, 0, len(self.counts))].astype(float)
        return counted

    def to_json(self) -> list[int]:
        """Describe the bins by a list: the first, then the counts."""
        return [self.first, *self.counts]

    @classmethod
    def from_json(cls, described: Sequence[int]) -> "GrowingBins":
        """Read what `to_json` wrote."""
        return cls(described[0], tuple(described[1:]))


def quantile_interval(values: GrowingBins, quantile: float, alpha: float) -> tuple[float, float]:
    """Compute bounds of a quantile that hold at every look with probability 1 - alpha.

    They are 0 and infinity where nothing is known.
    """
    edges = np.arange(values.first - 1, values.first + len(values.counts))
    counted = values.up_to(edges)
    bound = math.log(2.0 / alpha)
    above = edges[_fewer(counted, values.total, quantile) >= bound]
    below = edges[_more(counted, values.total, quantile) >= bound]
    return (
        GROWTH ** float(above.max()) if len(above) else 0.0,
        GROWTH ** float(below.min()) if len(below) else math.inf,
    )


@dataclass(frozen=True, slots=True)
class QuantileTest:
    """A test of one quantile of two arms. Lower values are better. Its state is the bins of both arms, which add up."""

    quantile: float
    margin: float
    alpha: float
    is_harm: bool

    def __post_init__(self) -> None:
        if not (0.0 < self.alpha < 1.0 and 0.0 < self.quantile < 1.0):
            raise ValueError("alpha and quantile must lie between 0 and 1")

    @classmethod
    def harm(cls, quantile: float, alpha: float, margin: float = 0.0) -> "QuantileTest":
        """Test "the candidate's quantile is at most 1 + `margin` times the control's"; a rejection shows harm.

        A margin is rounded up to whole bins.
        """
        if not 0.0 <= margin < math.inf:
            raise ValueError("a margin cannot be negative")
        return cls(quantile, margin, alpha, is_harm=True)

    @classmethod
    def non_inferior(cls, quantile: float, margin: float, alpha: float) -> "QuantileTest":
        """Test "the candidate's quantile is at least 1 + `margin` times the control's"; a rejection refutes it.

        A margin is rounded down to whole bins, so it must be at least 2%.
        """
        if not GROWTH - 1.0 <= margin < math.inf:
            raise ValueError(f"a margin must be at least {GROWTH - 1.0:.0%} of the control's quantile")
        return cls(quantile, margin, alpha, is_harm=False)

    @property
    def bound(self) -> float:
        """Return the logarithm of E at which the null is rejected."""
        return -math.log(self.alpha)

    @property
    def shift(self) -> int:
        """The margin in bins, rounded to the side that shows less."""
        bins = math.log1p(self.margin) / math.log(GROWTH)
        return math.ceil(bins - 1e-9) if self.is_harm else math.floor(bins + 1e-9)

    def log_e(self, candidate: GrowingBins, control: GrowingBins) -> float:
        """Compute the logarithm of E: the least over all values of the two quantiles; 0 while an arm has no value."""
        if not (candidate.counts and control.counts):
            return 0.0
        shift = self.shift
        first = min(candidate.first - shift, control.first) - 1
        last = max(candidate.first + len(candidate.counts), control.first + len(control.counts)) + 1
        edges = np.arange(first, last)
        # The quantile lies within a bin. Each arm is counted to the edge that gives less evidence.
        if self.is_harm:
            worse = _fewer(candidate.up_to(edges + shift), candidate.total, self.quantile)
            better = _more(control.up_to(edges - 1), control.total, self.quantile)
        else:
            worse = _fewer(control.up_to(edges), control.total, self.quantile)
            better = _more(candidate.up_to(edges - 1 + shift), candidate.total, self.quantile)
        return float((worse + better).min())

    def rejected(self, candidate: GrowingBins, control: GrowingBins) -> bool:
        """Test whether E is at its bound now. The caller keeps a rejection: it stands even if E falls again."""
        return self.log_e(candidate, control) >= self.bound

    def interval(self, candidate: GrowingBins, control: GrowingBins) -> tuple[float, float]:
        """Compute bounds of candidate minus control that hold at every look with probability 1 - alpha."""
        one = quantile_interval(candidate, self.quantile, self.alpha / 2.0)
        other = quantile_interval(control, self.quantile, self.alpha / 2.0)
        return one[0] - other[1], one[1] - other[0]


def over_stages(evidence: Sequence[float], stages: int) -> float:
    """Combine the evidence of stages that each began anew: the logarithm of the mean E over all stages there will be.

    A stage without values has an E of 1. A mean of E-values is one, whatever they have to do with each other (Vovk and
    Wang, Annals of Statistics 2021). So evidence of an earlier share never hides what a later one shows.
    """
    if not len(evidence) <= stages:
        raise ValueError(f"evidence of {len(evidence)} stages is more than of {stages}")
    values = np.array([*evidence, *[0.0] * (stages - len(evidence))])
    return float(np.logaddexp.reduce(values)) - math.log(stages)


def _fewer(counted: Floats, total: int, share: float) -> Floats:
    """Compute the log evidence that values up to a point are rarer than `share`, so the quantile lies above."""
    known, where = np.unique(counted, return_inverse=True)
    found: Floats = _evidence(known, total - known, share)[where]
    return found


def _more(counted: Floats, total: int, share: float) -> Floats:
    """Compute the log evidence that values up to a point are more frequent than `share`, so the quantile lies below."""
    return _fewer(total - counted, total, 1.0 - share)


def _evidence(hits: Floats, misses: Floats, share: float) -> Floats:
    """Mix likelihood ratios over rates below `share`, against `share`: a beta of WEIGHT values around it, truncated.

    Where the incomplete beta function underflows, the first terms of its series stand for it (DLMF 8.17.8). All terms
    are positive, so that evidence is never overstated.
    """
    from scipy.special import betainc, betaln

    a, b = WEIGHT * share, WEIGHT * (1.0 - share)
    up, down = a + hits, b + misses
    whole = betaln(up, down)
    below = betainc(up, down, share)
    tiny = below < _TINY
    factors = (up[tiny] + down[tiny] + _TERMS) / (up[tiny] + 1.0 + _TERMS) * share
    series = np.log1p(np.cumprod(factors, axis=0).sum(axis=0)) - np.log(up[tiny]) - whole[tiny]
    with np.errstate(divide="ignore"):
        below = np.log(below)
    below[tiny] = series + up[tiny] * math.log(share) + down[tiny] * math.log1p(-share)
    mixed = whole + below - betaln(a, b) - math.log(betainc(a, b, share))
    ratios: Floats = mixed - hits * math.log(share) - misses * math.log1p(-share)
    return ratios
