"""Linear statistics of features: each gives every cell of a feature one value, so that a stream needs only their sums.

A number has its normal score, its spread and its middle half; a category one statistic for each common value; both have
missing values and values outside the reference. In the reference each has mean 0 and variance 1.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from andon.statistics.histograms import Cells, Floats, Histograms
from andon.statistics.two_samples import scores_of, signed_root

COMMON = 8
"""A category has a statistic for each of this many of its most frequent values."""

MEAN, SPREAD, MIDDLE, MISSING, OUTSIDE, VALUE = "mean", "spread", "middle", "missing", "outside", "value"


@dataclass(frozen=True)
class CellValues:
    """The statistics of a reference: their feature and name, values [statistics, cells], and the reference's shares.

    The last cell has the value 0: a decision without the feature is in cell -1. `share` is that of a counted statistic,
    else 0; `rows` are those of the reference.
    """

    features: NDArray[np.intp]
    tests: tuple[str, ...]
    values: Floats
    cells: Floats
    share: Floats
    rows: Floats

    @classmethod
    def of(cls, reference: Histograms) -> "CellValues":
        """Build the statistics of every feature that the reference can say something about."""
        scores = reference_scores(reference)
        found: list[tuple[int, str, Floats, Floats, float]] = []
        for feature in range(len(reference.counts)):
            if reference.rows[feature] > 0:
                found += _of_feature(reference, feature, scores[feature])
        width = reference.binning.width + 1
        return cls(
            np.array([one[0] for one in found], dtype=np.intp),
            tuple(one[1] for one in found),
            np.array([one[2] for one in found]).reshape(-1, width),
            np.array([one[3] for one in found]).reshape(-1, width),
            np.array([one[4] for one in found], dtype=float),
            np.array([float(reference.rows[one[0]]) for one in found], dtype=float),
        )

    def of_rows(self, cells: Cells) -> Floats:
        """Return the values of decisions, [rows, statistics]."""
        return self.values[np.arange(len(self.tests)), cells[:, self.features]]

    def z(self, at: int, mean: float, n: float, known: float, dispersion: float) -> float:
        """Standardise a mean of `n` values beside `known` rows of the reference; a rare value by its exact counts."""
        if self.share[at]:
            return _exact(self.share[at], mean, n / dispersion, known / dispersion)
        root = signed_root(self.values[at : at + 1], self.cells[at : at + 1], np.array([mean]))[0]
        return float(root / np.sqrt(dispersion * (1 / n + 1 / known)))


def reference_scores(reference: Histograms) -> Floats:
    """Return normal scores of ordered features' cells, with mean 0 and variance 1 in the reference; 0 elsewhere."""
    counts = np.where(reference.binning.inside, reference.counts, 0).astype(float)
    total = np.maximum(counts.sum(axis=1, keepdims=True), 1.0)
    scores = np.where(counts > 0, scores_of(counts), 0.0)
    mean = (counts * scores).sum(axis=1, keepdims=True) / total
    scores = np.where(counts > 0, scores - mean, 0.0)
    deviation = np.sqrt((counts * scores**2).sum(axis=1, keepdims=True) / total)
    scores = np.where(deviation > 0, scores / np.where(deviation > 0, deviation, 1.0), 0.0)
    for row, size, ordered in zip(scores, reference.binning.sizes, reference.binning.ordered, strict=True):
        filled = np.flatnonzero(row)
        if not ordered or not len(filled):
            row[:] = 0.0
            continue
        row[0], row[size + 1] = row[filled[0]], row[filled[-1]]
        between = np.arange(1, size + 1)
        row[1 : size + 1] = np.interp(between, filled, row[filled])
    return scores


def _of_feature(reference: Histograms, feature: int, scores: Floats) -> list[tuple[int, str, Floats, Floats, float]]:
    counts = reference.counts[feature].astype(float)
    size, ordered = int(reference.binning.sizes[feature]), bool(reference.binning.ordered[feature])
    width, rows = len(counts), counts.sum()
    inside = np.zeros(width, dtype=np.bool_)
    inside[1 : size + 1] = True
    missing, outside = np.zeros(width, dtype=np.bool_), np.zeros(width, dtype=np.bool_)
    missing[-2:] = True
    outside[0] = outside[size + 1] = True
    cells = np.append(counts / rows, 0.0)
    found = []
    if (scores != 0).any():
        present = np.append(inside | outside, False)
        padded = np.append(scores, 0.0)
        found.append((feature, MEAN, *_standard(padded, cells, present), 0.0))
        if (counts[inside] > 0).sum() > 2:
            found.append((feature, SPREAD, *_standard(padded**2, cells, present), 0.0))
            found += _counted(feature, MIDDLE, inside & (np.abs(scores) < 0.674), counts)
    if not ordered:
        common = [at for at in np.argsort(-counts[1 : size + 1], kind="stable")[:COMMON] + 1 if counts[at] > 0]
        for at in common if (counts[inside] > 0).sum() > 1 else ():
            found += _counted(feature, VALUE, np.arange(width) == at, counts)
    once = 0.0 if ordered else float((counts[inside] == 1).sum())
    found += _counted(feature, MISSING, missing, counts)
    if size and counts[inside].sum():
        found += _counted(feature, OUTSIDE, outside, counts, once)
    return found


def _standard(values: Floats, cells: Floats, present: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Return values with mean 0 and variance 1 over all rows, 0 where absent; and the shares of the cells."""
    share = np.where(present, cells, 0.0)
    share = share / share.sum()
    centred = np.where(present, values - (share * values).sum(), 0.0)
    deviation = np.sqrt((cells * centred**2).sum())
    shares = cells.copy()
    shares[-1] = max(1.0 - shares.sum(), 0.0)
    return (centred / deviation if deviation > 0 else centred), shares


def _counted(
    feature: int, test: str, group: NDArray[np.bool_], counts: Floats, instead: float = 0.0
) -> list[tuple[int, str, Floats, Floats, float]]:
    """Return the statistic that counts a group of cells; none if the group holds everything."""
    rows = counts.sum()
    share = (max(counts[group].sum(), instead) + 0.5) / (rows + 1)
    if not group.any() or share > 1 - 0.5 / rows:
        return []
    deviation = np.sqrt(share * (1 - share))
    values = np.append((group - share) / deviation, 0.0)
    return [(feature, test, values, np.append(counts / rows, 0.0), share)]


def _exact(share: float, mean: float, n: float, known: float) -> float:
    """Standardise a share by the exact test of two samples (Fisher 1935)."""
    from scipy.special import ndtri
    from scipy.stats import hypergeom

    seen = min(max(share + mean * np.sqrt(share * (1 - share)), 0.0), 1.0)
    k, j = round(seen * n), round(share * known)
    all_, both, one = round(n) + round(known), k + j, round(n)
    p_value = float(hypergeom.sf(k - 1, all_, both, one) if mean > 0 else hypergeom.cdf(k, all_, both, one))
    z = -float(ndtri(min(max(p_value, 1e-300), 0.5)))
    return z if mean > 0 else -z
