"""Label-free performance: the accuracy, precision, recall and AUC that calibrated scores imply.

Confidence-based performance estimation (CBPE): if a score p comes true in a share p of the cases, the number of right
decisions is a sum of independent coins, whose mean and variance are known (arXiv 2505.05295). A calibration fits the
noise of the rows it was learnt from, so its scores are too sure. Each bin of scores is therefore corrected by the gap
between score and truth that the measuring rows show there, and the interval allows for their number. It holds when the
inputs shift, not when the same input begins to mean something else; only labels show that. Where the assumption is
known to be broken, a reason replaces the estimate.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from andon.statistics.calibration_test import CalibrationCheck
from andon.statistics.scores import BINS, CALIBRATION_BINS, LabelledScores, ScoreSums

Floats: TypeAlias = NDArray[np.float64]

LEAST_ROWS = 100
"""The fewest scores for an estimate."""

LEAST_CASES = 1.0
"""Recall and AUC need as many cases to be expected of a class."""

RANGES = 10
LEAST_KNOWN = 5
"""A tenth of the scores with fewer measuring rows than this lies outside the calibrated range."""

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


def estimate(sums: ScoreSums, measured: LabelledScores, labelled: CalibrationCheck | None = None) -> LabelFree:
    """Estimate the figures of a window; `measured` are the held-out rows that measured the model, with their labels."""
    if sums.rows < LEAST_ROWS:
        return LabelFree({}, (f"fewer than {LEAST_ROWS} scores",), sums.rows)
    if not measured.rows:
        return LabelFree({}, ("no held-out scores with their labels",), sums.rows)
    silent = _reasons(sums, measured, labelled)
    return LabelFree({} if silent else _figures(sums, measured), silent, sums.rows)


def _reasons(sums: ScoreSums, measured: LabelledScores, labelled: CalibrationCheck | None) -> tuple[str, ...]:
    reasons = []
    seen = measured.bins[0].reshape(RANGES, -1).sum(axis=1)
    current = sums.counts.sum(axis=0).reshape(RANGES, -1).sum(axis=1)
    unknown = float(current[seen < LEAST_KNOWN].sum()) / sums.rows
    if unknown > LARGEST_UNKNOWN:
        reasons.append(f"{unknown:.0%} of the scores lie where the calibration has seen too few cases")
    if labelled is not None and labelled.rejected(REJECTED):
        reasons.append(f"{labelled.rows} labels reject the calibration of the scores")
    return tuple(reasons)


def _figures(sums: ScoreSums, measured: LabelledScores) -> dict[str, LabelFreeEstimate]:
    spread = _Spread(sums, measured)
    positive = spread.positive
    negative = sums.counts - positive
    rows, predicted = sums.counts.sum(), sums.counts[1].sum()
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
    """The positives of each bin as corrected by the measuring rows, and the variances of linear functions of labels.

    The variances are those of labels given scores, and of a correction learnt from few rows.
    """

    def __init__(self, sums: ScoreSums, measured: LabelledScores) -> None:
        rows, _, _, scores, came_true = measured.bins
        some = np.maximum(rows, 1.0)
        # A case of each class is added: a bin without a positive, or without a row, is not certain.
        careful = (came_true + 1) / (rows + 2)
        gap = ((came_true - scores) / some).repeat(BINS // CALIBRATION_BINS)
        self.positive = np.clip(sums.sums + sums.counts * gap, 0.0, sums.counts)
        self._counts, self._labels = sums.counts, sums.variances
        self._correction = careful * (1 - careful) / some

    def around(self, value: float, slopes: Floats) -> LabelFreeEstimate:
        """Return the figure with its interval; `slopes` [2, BINS] are its changes for one more positive in a bin."""
        labels = float((self._labels * slopes**2).sum())
        moved = (self._counts * slopes).sum(axis=0).reshape(CALIBRATION_BINS, -1).sum(axis=1)
        half = 1.959964 * sqrt(labels + float((moved**2 * self._correction).sum()))
        return LabelFreeEstimate(float(value), max(float(value) - half, 0.0), min(float(value) + half, 1.0))
