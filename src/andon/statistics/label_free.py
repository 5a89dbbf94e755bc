"""Label-free performance: the accuracy, precision, recall and AUC that calibrated scores imply.

Confidence-based performance estimation (CBPE): if a score p comes true in a share p of the cases, the number of right
decisions is a sum of independent coins, whose mean and variance are known (arXiv 2505.05295). The intervals also allow
for a calibration learnt from few rows. They hold when the inputs shift, not when the same input begins to mean
something else; only labels show that. Where the assumption is known to be broken, a reason replaces the estimate.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from andon.statistics.calibration_test import CalibrationCheck
from andon.statistics.scores import BINS, ScoreSums

Floats: TypeAlias = NDArray[np.float64]

LEAST_ROWS = 100
"""The fewest scores for an estimate."""

LEAST_CASES = 1.0
"""Recall and AUC need as many cases to be expected of a class."""

RANGES = 10
LEAST_KNOWN = 10
"""A tenth of the scores with fewer held-out rows than this lies outside the calibrated range."""

LARGEST_UNKNOWN = 0.05
"""With more than this part of the scores outside the calibrated range nothing is estimated."""

REJECTED = 0.001
"""Labels that reject the calibration at this level silence the estimates."""


@dataclass(frozen=True, slots=True)
class LabelFreeEstimate:
    """A figure of quality with its 95% interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class LabelFree:
    """The figures by name (`accuracy`, `precision`, `recall`, `roc_auc`), or the reasons why there are none."""

    estimates: Mapping[str, LabelFreeEstimate]
    silent: tuple[str, ...]
    rows: int


def estimate(sums: ScoreSums, reference_scores: Sequence[int], labelled: CalibrationCheck | None = None) -> LabelFree:
    """Estimate the figures of a window; `reference_scores` counts the held-out scores in equal bins of [0, 1]."""
    known = np.array(reference_scores, dtype=float)
    if sums.rows < LEAST_ROWS:
        return LabelFree({}, (f"fewer than {LEAST_ROWS} scores",), sums.rows)
    if not len(known) or BINS % len(known) or known.sum() == 0:
        return LabelFree({}, ("no reference of held-out scores",), sums.rows)
    silent = _reasons(sums, known, labelled)
    return LabelFree({} if silent else _figures(sums, known), silent, sums.rows)


def _reasons(sums: ScoreSums, known: Floats, labelled: CalibrationCheck | None) -> tuple[str, ...]:
    reasons = []
    tenths = np.minimum((np.arange(len(known)) + 0.5) * RANGES / len(known), RANGES - 1).astype(np.intp)
    seen = np.bincount(tenths, weights=known, minlength=RANGES)[tenths]
    current = sums.counts.sum(axis=0).reshape(len(known), -1).sum(axis=1)
    unknown = float(current[seen < LEAST_KNOWN].sum()) / sums.rows
    if unknown > LARGEST_UNKNOWN:
        reasons.append(f"{unknown:.0%} of the scores lie where the calibration has seen too few cases")
    if labelled is not None and labelled.rejected(REJECTED):
        reasons.append(f"{labelled.rows} labels reject the calibration of the scores")
    return tuple(reasons)


def _figures(sums: ScoreSums, known: Floats) -> dict[str, LabelFreeEstimate]:
    positive, negative = sums.sums, sums.counts - sums.sums
    rows, predicted = sums.counts.sum(), sums.counts[1].sum()
    spread = _Spread(sums, known)
    figures = {}
    accuracy = (positive[1].sum() + negative[0].sum()) / rows
    side = np.array([[-1.0], [1.0]]) * np.ones(BINS)
    figures["accuracy"] = spread.around(accuracy, side / rows)
    if predicted:
        figures["precision"] = spread.around(
            positive[1].sum() / predicted, np.array([[0.0], [1.0]]) / predicted * np.ones(BINS)
        )
    if positive.sum() >= LEAST_CASES:
        recall = positive[1].sum() / positive.sum()
        slopes = np.array([[-recall], [1 - recall]]) / positive.sum() * np.ones(BINS)
        figures["recall"] = spread.around(recall, slopes)
    if min(positive.sum(), negative.sum()) >= LEAST_CASES:
        auc, slope = _auc(positive.sum(axis=0), negative.sum(axis=0))
        figures["roc_auc"] = spread.around(auc, np.vstack((slope, slope)))
    return figures


def _auc(positive: Floats, negative: Floats) -> tuple[float, Floats]:
    """Compute the AUC of expected positives and negatives by bin, and its slope per new positive (Mann-Whitney)."""
    every, none = positive.sum(), negative.sum()
    below = np.cumsum(negative) - negative / 2
    above = every - np.cumsum(positive) + positive / 2
    auc = float((positive * below).sum() / (every * none))
    gain = below / (every * none) - auc / every
    loss = above / (every * none) - auc / none
    return auc, gain - loss


class _Spread:
    """Variances of linear functions of the labels: from labels given scores, and from a calibration on few rows."""

    def __init__(self, sums: ScoreSums, known: Floats) -> None:
        self._labels = sums.variances
        self._counts = sums.counts
        share = known.repeat(BINS // len(known))
        mean = sums.sums.sum(axis=0) / np.maximum(sums.counts.sum(axis=0), 1)
        fine = mean * (1 - mean)
        self._per_bin = len(known)
        self._calibration = (fine / np.maximum(share, 1.0)).reshape(len(known), -1).max(axis=1)

    def around(self, value: float, slopes: Floats) -> LabelFreeEstimate:
        """Return the figure with its interval; `slopes` [2, BINS] are its changes for one more positive in a bin."""
        labels = float((self._labels * slopes**2).sum())
        moved = (self._counts * slopes).sum(axis=0).reshape(self._per_bin, -1).sum(axis=1)
        learnt = float((moved**2 * self._calibration).sum())
        half = 1.959964 * sqrt(labels + learnt)
        return LabelFreeEstimate(float(value), max(float(value) - half, 0.0), min(float(value) + half, 1.0))
