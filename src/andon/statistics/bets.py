"""Bets of e-detectors on one decision: for each feature, the logarithm of a bet's payoff in each cell.

A bet pays at most 1 in expectation while the feature is as in the reference, whatever the sample behind the reference
(margins of MARGIN standard errors). Numbers have bets on shifts and spreads: the reference's bins tilted by exp(size x
score) or exp(size x (score^2 - 1)). Every feature has bets on more missing and more unknown values, a category one for
each common value.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from andon.statistics.dispersion import Dispersion
from andon.statistics.histograms import Histograms
from andon.statistics.two_samples import scores_of

Floats: TypeAlias = NDArray[np.float64]

SHIFTS = (-1.2, -0.6, -0.3, -0.15, 0.15, 0.3, 0.6, 1.2)
SPREADS = (-0.25, -0.1, 0.1, 0.25)
MIXED = (0.03, 0.2)
"""Parts of the values that a bet on a cell expects to move into it."""

COMMON = 8
"""A category has bets on this many of its most frequent values."""

MARGIN = 3.0


def reference_scores(reference: Histograms) -> Floats:
    """Return normal scores of ordered features' cells, with mean 0 and variance 1 in the reference; 0 elsewhere."""
    counts = _inside(reference)
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


def bets_on(reference: Histograms, dispersion: Dispersion) -> Floats:
    """Logarithms of all bets, [features, bets, width]; a bet that cannot be made pays 1 whatever happens."""
    scores = reference_scores(reference)
    tilts = [size * scores for size in SHIFTS] + [size * (scores**2 - 1) for size in SPREADS]
    tilted = [_tilted(reference, scores, tilt) / dispersion.mean.value[:, None] for tilt in tilts]
    moved = [one / np.maximum(dispersion.missing.value, dispersion.tails.value)[:, None] for one in _moved(reference)]
    return np.stack([*tilted, *moved], axis=1)


def _tilted(reference: Histograms, scores: Floats, tilt: Floats) -> Floats:
    counts = _inside(reference)
    known = counts.sum(axis=1)
    usable = reference.binning.ordered & (scores != 0).any(axis=1)
    outer = np.exp(np.abs(tilt).max(axis=1)) / np.maximum(known, 1)
    share = counts / np.maximum(known, 1)[:, None]
    paid = np.exp(tilt)
    mean = (share * paid).sum(axis=1)
    deviation = np.sqrt(np.maximum((share * paid**2).sum(axis=1) - mean**2, 0.0))
    bound = mean + MARGIN * deviation / np.sqrt(np.maximum(known, 1)) + outer
    bet = tilt - np.log(bound)[:, None]
    bet[:, -2:] = 0.0
    at = np.arange(bet.shape[1])
    present = at <= reference.binning.sizes[:, None] + 1
    return np.where(usable[:, None] & present, bet, 0.0)


def _moved(reference: Histograms) -> list[Floats]:
    """Bets on single cells, or on those outside the reference together."""
    features, width = reference.counts.shape
    rows = np.arange(features)
    sizes = reference.binning.sizes
    absent = np.zeros((features, width), dtype=np.bool_)
    absent[:, -2:] = True
    outside = np.zeros_like(absent)
    outside[:, 0] = outside[rows, sizes + 1] = True
    groups = [absent, outside]
    order = np.argsort(-_inside(reference), axis=1, kind="stable")
    for rank in range(COMMON):
        common = np.zeros_like(absent)
        common[rows, order[:, rank if rank < width else -1]] = True
        groups.append(common & ~reference.binning.ordered[:, None] & reference.binning.inside)
    once = np.where(reference.binning.inside & ~reference.binning.ordered[:, None], reference.counts == 1, False).sum(
        axis=1
    )
    bets = []
    for group in groups:
        seen = np.where(group, reference.counts, 0).sum(axis=1) + np.where(group[:, 0], once, 0)
        share = _at_most(seen, reference.rows)
        usable = group.any(axis=1) & (reference.rows > 0)
        for part in MIXED:
            paid = np.where(group, (1 - part) + part / share[:, None], 1 - part)
            bets.append(np.where(usable[:, None], np.log(paid), 0.0))
    return bets


def _at_most(seen: NDArray[np.int64], rows: NDArray[np.int64]) -> Floats:
    """Return an upper bound of a share (Wilson 1927)."""
    n, z = np.maximum(rows, 1), MARGIN
    share = seen / n
    return np.minimum(
        (share + z**2 / (2 * n) + z * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))) / (1 + z**2 / n), 1
    )


def _inside(reference: Histograms) -> Floats:
    return np.where(reference.binning.inside, reference.counts, 0).astype(float)
