"""Statistics of two samples in the same bins.

Means by normal scores, all bins by a likelihood ratio, rare counts exactly.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from andon.statistics.histograms import Counts, Histograms

Floats: TypeAlias = NDArray[np.float64]

POOLED_BELOW = 5.0
"""Bins with fewer expected values on either side are pooled."""


@dataclass(frozen=True)
class Factor:
    """A dispersion factor of each feature and its degrees of freedom; infinite where it is assumed.

    `shape` is the part of a statistic's degrees of freedom that the windows used: little, if they vary in one
    direction.
    """

    value: Floats
    freedom: Floats
    shape: Floats

    @classmethod
    def none(cls, features: int) -> Self:
        """Assume independent rows."""
        return cls(np.ones(features), np.full(features, np.inf), np.ones(features))

    def to_json(self) -> list[list[float | None]]:
        """Return the factor as JSON values."""
        freedom = [one if np.isfinite(one) else None for one in self.freedom.tolist()]
        return [self.value.tolist(), freedom, self.shape.tolist()]

    @classmethod
    def from_json(cls, document: Any) -> Self:
        """Return the factor written by `to_json`."""
        value, freedom, shape = document
        known = [np.inf if one is None else one for one in freedom]
        return cls(np.array(value, dtype=float), np.array(known, dtype=float), np.array(shape, dtype=float))


@dataclass(frozen=True)
class MeanShifts:
    """A signed root of a likelihood ratio and the shift in standard deviations of the scores, for each feature."""

    z: Floats
    effects: Floats

    def p_values(self, factor: Factor) -> Floats:
        """Two-sided p-values; Student's t where the factor was estimated."""
        from scipy.special import ndtr, stdtr

        scaled = np.abs(self.z) / np.sqrt(factor.value)
        known = np.isinf(factor.freedom)
        student = stdtr(np.where(known, 1.0, factor.freedom), -scaled)
        return np.asarray(2 * np.where(known, ndtr(-scaled), student))


@dataclass(frozen=True)
class Spreads:
    """Likelihood ratio statistics and their degrees of freedom, for each feature."""

    g: Floats
    freedom: Floats

    def p_values(self, factor: Factor) -> Floats:
        """Return the p-values; Fisher's F where the factor was estimated."""
        from scipy.special import chdtrc, fdtrc

        some = np.maximum(self.freedom, 1.0)
        scaled = np.maximum(self.g, 0.0) / factor.value
        known = np.isinf(factor.freedom)
        ratio = fdtrc(some * factor.shape, np.where(known, 1.0, factor.freedom), scaled / some)
        return np.where(self.freedom > 0, np.where(known, chdtrc(some, scaled), ratio), 1.0)


@dataclass(frozen=True)
class ShareTests:
    """P-values of counts and the current shares, for each feature."""

    p_values: Floats
    statistics: Floats


def scores_of(counts: Floats) -> Floats:
    """Return normal scores of ordered bins [features, width]: the normal quantile of each bin's middle rank."""
    from scipy.special import ndtri

    total = np.maximum(counts.sum(axis=1, keepdims=True), 1.0)
    middle = (np.cumsum(counts, axis=1) - counts / 2) / total
    return np.asarray(ndtri(np.clip(middle, 1e-9, 1 - 1e-9)))


def mean_shift(reference: Histograms, current: Histograms) -> MeanShifts:
    """Test whether the current values lie higher or lower, by normal scores of the joined bins (van der Waerden 1952).

    The current sample is a draw without replacement from both together. Its mean score is judged by the signed root of
    the exponential family's likelihood ratio (Robinson 1982), which holds for rare bins, where the normal approximation
    does not. Categories, which have no order, get 0.
    """
    then, now = _present(reference), _present(current)
    both = then + now
    n, m = now.sum(axis=1), then.sum(axis=1)
    usable = reference.binning.ordered & (n > 0) & (m > 0) & ((both > 0).sum(axis=1) > 1)
    scores = np.where(both > 0, scores_of(both), 0.0)
    share = both / np.maximum(n + m, 1)[:, None]
    middle = (share * scores).sum(axis=1)
    scores = np.where(both > 0, scores - middle[:, None], 0.0)
    deviation = np.sqrt((share * scores**2).sum(axis=1))
    deviation = np.where(usable, deviation, 1.0)
    scores = scores / deviation[:, None]
    current_mean = (now * scores).sum(axis=1) / np.maximum(n, 1)
    reference_mean = (then * scores).sum(axis=1) / np.maximum(m, 1)
    root = signed_root(scores, share, np.where(usable, current_mean, 0.0))
    # Without replacement the variance of a mean is smaller by m / (n + m).
    scale = np.sqrt(n * (n + m) / np.maximum(m, 1))
    return MeanShifts(np.where(usable, scale * root, 0.0), np.where(usable, current_mean - reference_mean, 0.0))


def signed_root(scores: Floats, share: Floats, mean: Floats) -> Floats:
    """Compute the signed root of twice the large-deviation rate of `mean`, for values with these shares and scores.

    For small means and scores of variance 1 it is the mean itself; times the root of the sample size it is about
    normal.
    """
    return np.asarray(np.sign(mean) * np.sqrt(2 * _divergence(scores, share, mean)))


def _divergence(scores: Floats, share: Floats, target: Floats) -> Floats:
    """Compute sup over t of t * target - log sum share exp(t * score), the mean's large-deviation rate (Cramer)."""
    low, high = scores.min(axis=1), scores.max(axis=1)
    goal = np.clip(target, low + 1e-6 * (high - low), high - 1e-6 * (high - low))
    empty = share.sum(axis=1) == 0
    share = np.where(empty[:, None], 1.0, share)
    tilt = np.clip(goal, -3, 3)
    for _ in range(12):
        weights = share * np.exp(np.clip(tilt[:, None] * scores, -700, 700))
        total = weights.sum(axis=1)
        mean = (weights * scores).sum(axis=1) / total
        variance = (weights * scores**2).sum(axis=1) / total - mean**2
        tilt = tilt + np.clip((goal - mean) / np.maximum(variance, 1e-9), -1, 1)
    weights = share * np.exp(np.clip(tilt[:, None] * scores, -700, 700))
    return np.where(empty, 0.0, np.maximum(tilt * goal - np.log(weights.sum(axis=1)), 0.0))


def spread(reference: Histograms, current: Histograms) -> Spreads:
    """Test all bins by the likelihood ratio G with Williams's correction (Williams 1976); rare bins are pooled.

    G keeps its level far in the tail, where Pearson's chi-square of sparse bins does not. Values outside the
    reference's bins have a test of their own and are left out.
    """
    inside = reference.binning.inside
    then, now = np.where(inside, reference.counts, 0).astype(float), np.where(inside, current.counts, 0).astype(float)
    n, m = now.sum(axis=1), then.sum(axis=1)
    both = then + now
    total = np.maximum(n + m, 1)
    rare = both * (np.minimum(n, m) / total)[:, None] < POOLED_BELOW
    then, now = _pooled(then, rare), _pooled(now, rare)
    both = then + now
    filled = (both > 0).sum(axis=1)
    expected_now, expected_then = both * (n / total)[:, None], both * (m / total)[:, None]
    g = 2 * (_log_ratio(now, expected_now) + _log_ratio(then, expected_then)).sum(axis=1)
    freedom = np.where((n > 0) & (m > 0), np.maximum(filled - 1, 0), 0).astype(float)
    inverse = (np.where(both > 0, total[:, None] / np.maximum(both, 1), 0.0)).sum(axis=1) - 1
    sides = total / np.maximum(n, 1) + total / np.maximum(m, 1) - 1
    correction = 1 + sides * inverse / (6 * total * np.maximum(freedom, 1))
    return Spreads(np.where(freedom > 0, np.maximum(g, 0.0) / correction, 0.0), freedom)


def variation(reference: Histograms, current: Histograms) -> Floats:
    """Compute the total variation between both samples: the part of the values that would have to change."""
    then, now = _present(reference), _present(current)
    n, m = now.sum(axis=1, keepdims=True), then.sum(axis=1, keepdims=True)
    apart = np.abs(now / np.maximum(n, 1) - then / np.maximum(m, 1)).sum(axis=1) / 2
    return np.where((n[:, 0] > 0) & (m[:, 0] > 0), apart, 0.0)


def shares(reference: Histograms, current: Histograms, missing: Factor, tails: Factor) -> Iterator[ShareTests]:
    """Test the shares of missing values, of values outside the reference and of the outermost bins, in this order."""
    yield _missing(reference, current, missing)
    yield _outside(reference, current, tails)
    yield _tails(reference, current, tails)


def missing_z(reference: Histograms, current: Histograms) -> Floats:
    """Standardise the difference of the shares of missing values."""
    absent_then, absent_now = (one.missing + one.infinite for one in (reference, current))
    return _difference(absent_now, current.rows, absent_then, reference.rows)


def tail_z(reference: Histograms, current: Histograms) -> list[Floats]:
    """Standardise the differences of the shares in the first and in the last bin, with what lies beyond."""
    present, known = _present(current).sum(axis=1), _present(reference).sum(axis=1)
    return [_difference(now, present, then, known) for now, then in _outermost(reference, current)]


def _difference(k: Floats | Counts, n: Floats | Counts, j: Floats | Counts, m: Floats | Counts) -> Floats:
    n, m = np.maximum(n, 1), np.maximum(m, 1)
    share = (k + j) / (n + m)
    variance = share * (1 - share) * (1 / n + 1 / m)
    return np.asarray(np.where(variance > 0, (k / n - j / m) / np.sqrt(np.maximum(variance, 1e-12)), 0.0))


def _outermost(reference: Histograms, current: Histograms) -> Iterator[tuple[Counts, Counts]]:
    rows, sizes = np.arange(len(reference.counts)), reference.binning.sizes
    for at, beyond in ((np.minimum(sizes, 1), np.zeros_like(sizes)), (sizes, sizes + 1)):
        now, then = (one.counts[rows, at] + one.counts[rows, beyond] for one in (current, reference))
        yield now, then


def _missing(reference: Histograms, current: Histograms, factor: Factor) -> ShareTests:
    now, then = current.missing + current.infinite, reference.missing + reference.infinite
    more = _more_than(now, current.rows, then, reference.rows, factor)
    fewer = _more_than(current.rows - now, current.rows, reference.rows - then, reference.rows, factor)
    share = now / np.maximum(current.rows, 1)
    return ShareTests(np.minimum(2 * np.minimum(more, fewer), 1.0), share)


def _outside(reference: Histograms, current: Histograms, factor: Factor) -> ShareTests:
    """Test for values outside the reference; its singletons estimate the expected new categories (Good 1953)."""
    once = np.where(reference.binning.inside, reference.counts == 1, False).sum(axis=1)
    then = np.column_stack((np.where(reference.binning.ordered, 0, once), np.zeros(len(once), dtype=np.int64)))
    present, known = _present(current).sum(axis=1), _present(reference).sum(axis=1)
    sides = [_more_than(current.outside[:, side], present, then[:, side], known, factor) for side in (0, 1)]
    share = current.outside.sum(axis=1) / np.maximum(present, 1)
    return ShareTests(np.minimum(2 * np.minimum(*sides), 1.0), share)


def _tails(reference: Histograms, current: Histograms, factor: Factor) -> ShareTests:
    """Test the first and the last bin with all values beyond, where there are at least three bins."""
    sizes = reference.binning.sizes
    present, known = _present(current).sum(axis=1), _present(reference).sum(axis=1)
    least, share = np.ones(len(sizes)), np.zeros(len(sizes))
    for now, then in _outermost(reference, current):
        least = np.minimum(least, _more_than(now, present, then, known, factor))
        share = np.maximum(share, now / np.maximum(present, 1))
    usable = reference.binning.ordered & (sizes >= 3)
    return ShareTests(np.where(usable, np.minimum(2 * least, 1.0), 1.0), np.where(usable, share, 0.0))


def _more_than(k: Counts, n: Counts, j: Counts, m: Counts, factor: Factor) -> Floats:
    """Return the exact one-sided p-value of k among n beside j among m (Fisher 1935).

    Counts are divided by the dispersion.
    """
    from scipy.stats import hypergeom

    scaled = [np.floor(one / factor.value) for one in (k, n, j, m)]
    k_, n_, j_, m_ = (one.astype(np.int64) for one in scaled)
    j_ = np.where((j > 0) & (j_ == 0), 1, j_)
    tested = (k_ > 0) & (n_ > 0) & (m_ >= j_) & (m_ > 0)
    # Where the share has not grown nothing is to be computed: the p-value is no small one.
    tested &= k_ * m_ > j_ * n_
    found = np.ones(len(k_))
    if tested.any():
        one, all_, both = n_[tested], (n_ + m_)[tested], np.minimum(k_ + j_, n_ + m_)[tested]
        found[tested] = hypergeom.sf(k_[tested] - 1, all_, both, one)
    return found


def _present(histograms: Histograms) -> Floats:
    """Return counts of present finite values as floats: all cells but the last two."""
    counts = histograms.counts.astype(float)
    counts[:, -2:] = 0.0
    return counts


def _pooled(counts: Floats, rare: NDArray[np.bool_]) -> Floats:
    """Return counts with one more column that pools all rare bins."""
    kept = np.where(rare, 0.0, counts)
    return np.column_stack((kept, np.where(rare, counts, 0.0).sum(axis=1)))


def _log_ratio(seen: Floats, expected: Floats) -> Floats:
    some = seen > 0
    return np.where(some, seen * np.log(np.where(some, seen, 1.0) / np.where(some, expected, 1.0)), 0.0)
