"""Weighted means: estimates from labels that were drawn with known probabilities, with intervals for one look. Pure.

A label counts with one over its probability (Horvitz and Thompson 1952). A mean is a ratio of sums (Hajek 1971). scipy
is imported where it is used.
"""

from dataclasses import dataclass
from math import sqrt

LEAST_LABELS = 30
"""The fewest labels that an estimate rests on."""

LEAST_SHARE = 0.8
"""The share of decisions that labels must represent."""

LEAST_APART = 5
"""The fewest labelled decisions with a difference for which an interval of the difference is given."""


@dataclass(frozen=True, slots=True)
class LabelEstimate:
    """A mean with its interval and its number of labels."""

    mean: float
    low: float
    high: float
    labels: int


@dataclass(frozen=True, slots=True)
class WeightedSums:
    """Sums over labels of their weights `w` and values `x`, in the products that means and variances need."""

    n: int = 0
    w: float = 0.0
    ww: float = 0.0
    wx: float = 0.0
    wwx: float = 0.0
    wwxx: float = 0.0
    nonzero: int = 0

    def with_value(self, weight: float, value: float) -> "WeightedSums":
        """Add one label."""
        square = weight * weight
        return WeightedSums(
            self.n + 1,
            self.w + weight,
            self.ww + square,
            self.wx + weight * value,
            self.wwx + square * value,
            self.wwxx + square * value * value,
            self.nonzero + (value != 0),
        )

    def __add__(self, other: "WeightedSums") -> "WeightedSums":
        return WeightedSums(
            self.n + other.n,
            self.w + other.w,
            self.ww + other.ww,
            self.wx + other.wx,
            self.wwx + other.wwx,
            self.wwxx + other.wwxx,
            self.nonzero + other.nonzero,
        )

    @property
    def mean(self) -> float:
        """The weighted mean; 0 without labels."""
        return self.wx / self.w if self.w else 0.0

    @property
    def variance(self) -> float:
        """The variance of the mean by linearization of the ratio (Särndal, Swensson and Wretman 1992, 5.6)."""
        if self.n < 2:
            return 0.0
        squares = self.wwxx - 2 * self.mean * self.wwx + self.mean**2 * self.ww
        return max(squares, 0.0) * self.n / (self.n - 1) / self.w**2


def share(sums: WeightedSums, confidence: float = 0.95) -> LabelEstimate:
    """Estimate a share, with the exact interval (Clopper and Pearson 1934) at the effective number of labels.

    The effective number is that of Korn and Graubard (1998).
    """
    from scipy.special import betaincinv

    mean, variance = min(max(sums.mean, 0.0), 1.0), sums.variance
    kish = sums.w**2 / sums.ww if sums.ww else 0.0
    # An equally weighted sample has the variance of the binomial, times n / (n - 1).
    spread = variance * (sums.n - 1) / sums.n if sums.n else 0.0
    effective = min(mean * (1 - mean) / spread if spread > 1e-300 and 0 < mean < 1 else kish, float(sums.n))
    level, some = (1 - confidence) / 2, mean * effective
    low = 0.0 if some <= 0 else float(betaincinv(some, effective - some + 1, level))
    high = 1.0 if some >= effective else float(betaincinv(some + 1, effective - some, 1 - level))
    return LabelEstimate(mean, low, high, sums.n)


def mean(sums: WeightedSums, confidence: float = 0.95) -> LabelEstimate:
    """Estimate a mean by Student's t on the linearized ratio."""
    from scipy.special import stdtrit

    half = float(stdtrit(sums.n - 1, (1 + confidence) / 2)) * sqrt(sums.variance) if sums.n > 1 else float("inf")
    return LabelEstimate(sums.mean, sums.mean - half, sums.mean + half, sums.n)
