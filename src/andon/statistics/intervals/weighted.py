"""Estimates from labels that were drawn with known probabilities, with intervals for one look.

A label counts with one over its probability (Horvitz and Thompson 1952). A mean is a ratio of sums (Hajek 1971).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import floor, inf, log2, sqrt
from typing import TypeAlias

from andon.statistics.intervals.shares import Stratum, share_interval, stratified_share

Band: TypeAlias = tuple[float, float, float]
"""Of labels with weights between two powers of two: the sums of weights, of their squares and of weighted values."""


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
    bands: Mapping[int, Band] = field(default_factory=dict)

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
            _merged(self.bands, {floor(log2(weight)): (weight, square, weight * value)}),
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
            _merged(self.bands, other.bands),
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


def weighted_share(sums: WeightedSums, confidence: float = 0.95) -> LabelEstimate:
    """Estimate a share, with the exact interval at the number of plain labels that they are worth.

    The labels of each band of weights are a stratum: a few labels that stand for many decisions and show no error do
    not show that there is none.
    """
    strata = [Stratum(w / sums.w, wx / w, w * w / ww) for w, ww, wx in sums.bands.values()]
    share, worth = stratified_share(strata, parts_known=False)
    worth = min(worth, float(sums.n))
    share = min(max(share, 0.0), 1.0)
    return LabelEstimate(share, *share_interval(share * worth, worth, confidence), sums.n)


def weighted_mean(sums: WeightedSums, confidence: float = 0.95) -> LabelEstimate:
    """Estimate a mean by Student's t on the linearized ratio."""
    from scipy.special import stdtrit

    half = float(stdtrit(sums.n - 1, (1 + confidence) / 2)) * sqrt(sums.variance) if sums.n > 1 else inf
    return LabelEstimate(sums.mean, sums.mean - half, sums.mean + half, sums.n)


def _merged(one: Mapping[int, Band], other: Mapping[int, Band]) -> dict[int, Band]:
    merged = dict(one)
    for number, (w, ww, wx) in other.items():
        own = merged.get(number, (0.0, 0.0, 0.0))
        merged[number] = (own[0] + w, own[1] + ww, own[2] + wx)
    return merged
