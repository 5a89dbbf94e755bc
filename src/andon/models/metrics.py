"""Quality on held-out rows with bootstrap intervals, and the curves the console plots.

Figures are computed from row weights. A bootstrap resample is then a weight for each row, and nothing is sorted again:
hundreds of resamples of 100,000 rows take a second. The tests compare the values with scikit-learn's.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from andon.models.manifest import ClassQuality, CurvePoints, Estimate, ModelQuality, ScoredRows
from andon.runtimes import Matrix
from andon.statistics.scores import LabelledScores

if TYPE_CHECKING:  # a gateway never draws, and so saves two megabytes
    from numpy.random import Generator

RESAMPLES = 300
BINS = 10
POINTS = 100

Floats: TypeAlias = NDArray[np.float64]
Figures: TypeAlias = Callable[[Floats], Mapping[str, float]]

_TINY = 1e-15


def metrics_of(
    probabilities: Matrix, labels: NDArray[np.int64], classes: Sequence[str], *, rng: "Generator"
) -> ModelQuality:
    """Compute all figures of calibrated probabilities [rows, classes] whose true classes are `labels`."""
    counts = np.bincount(labels, minlength=len(classes)).tolist()
    class_counts: dict[str, int] = dict(zip(classes, counts, strict=True))
    if len(classes) > 2:
        estimates = _estimates(_multiclass(probabilities, labels), len(labels), rng)
        each = quality_by_class(probabilities.argmax(axis=1), labels, classes)
        return ModelQuality(rows=len(labels), class_counts=class_counts, estimates=estimates, by_class=each)
    ranking = _Ranking(probabilities[:, 1], labels == 1)
    estimates = _estimates(_binary(probabilities[:, 1], labels == 1, ranking), len(labels), rng)
    roc, precision_recall = ranking.curves() if 0 < counts[1] < len(labels) else (None, None)
    return ModelQuality(
        rows=len(labels),
        class_counts=class_counts,
        estimates=estimates,
        roc=roc,
        precision_recall=precision_recall,
        reliability=_reliability(probabilities[:, 1], labels == 1),
    )


def quality_by_class(
    predicted: NDArray[np.int64], labels: NDArray[np.int64], classes: Sequence[str]
) -> dict[str, ClassQuality]:
    """Compute precision, recall and F1 of each class."""
    hits = np.bincount(labels[predicted == labels], minlength=len(classes)).tolist()
    rows = np.bincount(labels, minlength=len(classes)).tolist()
    given = np.bincount(predicted, minlength=len(classes)).tolist()
    return {
        name: ClassQuality(
            rows=true,
            predicted=said,
            precision=hit / said if said else None,
            recall=hit / true if true else None,
            f1=2 * hit / (said + true) if said + true else None,
        )
        for name, hit, true, said in zip(classes, hits, rows, given, strict=True)
    }


def scored_rows(scores: Floats, came_true: NDArray[np.bool_]) -> ScoredRows:
    """Count measuring rows by their calibrated scores, and how many came true."""
    rows, _, _, sums, hits = LabelledScores.of(scores, came_true).bins
    return ScoredRows(
        rows=tuple(rows.astype(int).tolist()),
        scores=tuple(sums.tolist()),
        came_true=tuple(hits.astype(int).tolist()),
    )


def measured_scores(quality: ModelQuality) -> LabelledScores:
    """Return the scores of the measuring rows with their labels; none for a package that does not have them."""
    if quality.scored is None:
        return LabelledScores.none()
    kept = quality.scored
    rows = np.array(kept.rows, dtype=np.float64)
    return LabelledScores(np.array([rows, rows, rows, kept.scores, kept.came_true], dtype=np.float64))


def _estimates(figures: Figures, rows: int, rng: "Generator") -> dict[str, Estimate]:
    drawn = [figures(_resample(rows, rng)) for _ in range(RESAMPLES)]
    estimates = {}
    for name, value in figures(np.ones(rows)).items():
        if not np.isfinite(value):
            continue
        sample = np.array([resample[name] for resample in drawn])
        low, high = np.quantile(sample[np.isfinite(sample)], (0.025, 0.975)).tolist()
        estimates[name] = Estimate(value=float(value), low=low, high=high)
    return estimates


def _resample(rows: int, rng: "Generator") -> Floats:
    """Draw as many rows as there are, with replacement. Return how often each was drawn."""
    return np.bincount(rng.integers(0, rows, rows), minlength=rows).astype(np.float64)


def _binary(score: Floats, hits: NDArray[np.bool_], ranking: "_Ranking") -> Figures:
    likelihood = -np.log(np.maximum(np.where(hits, score, 1 - score), _TINY))
    squared = (score - hits) ** 2
    right = ((score > 0.5) == hits).astype(np.float64)
    bins, gap = _bins(score), score - hits

    def figures(weight: Floats) -> dict[str, float]:
        total = weight.sum()
        roc_auc, average_precision = ranking.areas(weight)
        return {
            "roc_auc": roc_auc,
            "average_precision": average_precision,
            "log_loss": float(weight @ likelihood / total),
            "brier": float(weight @ squared / total),
            "accuracy": float(weight @ right / total),
            "ece": float(np.abs(np.bincount(bins, weights=weight * gap)).sum() / total),
        }

    return figures


def _multiclass(probabilities: Matrix, labels: NDArray[np.int64]) -> Figures:
    rows, classes = probabilities.shape
    chosen = probabilities.argmax(axis=1)
    likelihood = -np.log(np.maximum(probabilities[np.arange(rows), labels], _TINY))
    cell = labels * classes + chosen

    def figures(weight: Floats) -> dict[str, float]:
        confusion = np.bincount(cell, weights=weight, minlength=classes * classes).reshape(classes, classes)
        hit, seen = confusion.diagonal(), confusion.sum(axis=0) + confusion.sum(axis=1)
        return {
            "accuracy": float(hit.sum() / weight.sum()),
            "macro_f1": float((2 * hit[seen > 0] / seen[seen > 0]).mean()),
            "log_loss": float(weight @ likelihood / weight.sum()),
        }

    return figures


class _Ranking:
    """Scores in falling order, ties as one step, for areas and curves that depend only on the order."""

    def __init__(self, score: Floats, hits: NDArray[np.bool_]) -> None:
        steps, inverse = np.unique(-score, return_inverse=True)
        self._step, self._steps = inverse, len(steps)
        self._hits = hits.astype(np.float64)

    def areas(self, weight: Floats) -> tuple[float, float]:
        """Return ROC AUC and average precision; NaN where one of the classes has no weight."""
        found, false = self._counts(weight)
        if found.sum() == 0 or false.sum() == 0:
            return float("nan"), float("nan")
        found_so_far, false_so_far = np.cumsum(found), np.cumsum(false)
        area = (false * (found_so_far - found / 2)).sum() / (found_so_far[-1] * false_so_far[-1])
        precision = found_so_far / np.maximum(found_so_far + false_so_far, _TINY)
        return float(area), float((found * precision).sum() / found_so_far[-1])

    def curves(self) -> tuple[CurvePoints, CurvePoints]:
        """Return the ROC curve and precision by recall, thinned to about a hundred points."""
        found, false = (np.cumsum(counts) for counts in self._counts(np.ones(len(self._hits))))
        shown = np.unique(np.linspace(0, self._steps - 1, min(POINTS, self._steps)).astype(np.int64))
        recall, fallout = found[shown] / found[-1], false[shown] / false[-1]
        roc = CurvePoints(x=(0.0, *fallout.tolist()), y=(0.0, *recall.tolist()))
        precision = found[shown] / (found[shown] + false[shown])
        return roc, CurvePoints(x=tuple(recall.tolist()), y=tuple(precision.tolist()))

    def _counts(self, weight: Floats) -> tuple[Floats, Floats]:
        found = np.bincount(self._step, weights=weight * self._hits, minlength=self._steps)
        rows = np.bincount(self._step, weights=weight, minlength=self._steps)
        return found.astype(np.float64), (rows - found).astype(np.float64)


def _bins(score: Floats) -> NDArray[np.int64]:
    """Return ten bins of about equal counts."""
    return np.searchsorted(np.unique(np.quantile(score, np.linspace(0.0, 1.0, BINS + 1)[1:-1])), score, side="right")


def _reliability(score: Floats, hits: NDArray[np.bool_]) -> CurvePoints:
    bins = _bins(score)
    rows = np.bincount(bins)
    said, came = np.bincount(bins, weights=score), np.bincount(bins, weights=hits.astype(np.float64))
    some = rows > 0
    return CurvePoints(x=tuple((said[some] / rows[some]).tolist()), y=tuple((came[some] / rows[some]).tolist()))
