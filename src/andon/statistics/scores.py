"""Score sums: a window's calibrated scores of a class in fine, mergeable bins; labels are added where known."""

from dataclasses import dataclass, field
from typing import Any, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]

BINS = 200


@dataclass(frozen=True)
class ScoreSums:
    """For each bin of a score p in [0, 1]: count, sum of p and sum of p (1 - p), by whether the class was predicted.

    The arrays are [2, BINS]; row 1 holds the decisions that predicted the class.
    """

    counts: Floats = field(repr=False)
    sums: Floats = field(repr=False)
    variances: Floats = field(repr=False)

    @classmethod
    def of(cls, scores: Floats, predicted: NDArray[np.bool_]) -> Self:
        """Sum up scores; those that are no probability are left out."""
        good = (scores >= 0) & (scores <= 1)
        p, row = scores[good], predicted[good].astype(np.intp)
        at = np.minimum((p * BINS).astype(np.intp), BINS - 1) + row * BINS
        weights = (np.ones(len(p)), p, p * (1 - p))
        counts, sums, variances = (
            np.bincount(at, one, 2 * BINS).reshape(2, BINS).astype(np.float64) for one in weights
        )
        return cls(counts, sums, variances)

    @classmethod
    def none(cls) -> Self:
        """Return sums of no scores."""
        return cls(*(np.zeros((2, BINS)) for _ in range(3)))

    def __add__(self, other: "ScoreSums") -> "ScoreSums":
        return ScoreSums(self.counts + other.counts, self.sums + other.sums, self.variances + other.variances)

    @property
    def rows(self) -> int:
        """The number of scores."""
        return int(self.counts.sum())

    def to_json(self) -> dict[str, Any]:
        """Return the sums as JSON values."""
        return {"counts": self.counts.tolist(), "sums": self.sums.tolist(), "variances": self.variances.tolist()}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Self:
        """Return the sums written by `to_json`."""
        return cls(*(np.array(document[name], dtype=float) for name in ("counts", "sums", "variances")))


@dataclass(frozen=True)
class LabelledScores:
    """Sums over labelled decisions, by twenty bins of the score p: rows [5, 20].

    The five rows are count, weight, squared weight, score and label. A weight is the inverse of the probability that
    anybody looked. `gap` is the sum of w (y - p), `spiegelhalter` that of w (y - p) (1 - 2 p); the variances are theirs
    if the scores are calibrated.
    """

    bins: Floats = field(repr=False)
    gap: float = 0.0
    gap_variance: float = 0.0
    spiegelhalter: float = 0.0
    spiegelhalter_variance: float = 0.0

    @classmethod
    def none(cls) -> Self:
        """Return sums of no decisions."""
        return cls(np.zeros((5, CALIBRATION_BINS)))

    @classmethod
    def of(cls, scores: Floats, labels: NDArray[np.bool_], weights: Floats | None = None) -> Self:
        """Sum up decisions, except for scores that are not probabilities or weights not finite and positive."""
        w = np.ones(len(scores)) if weights is None else weights
        good = (scores >= 0) & (scores <= 1) & np.isfinite(w) & (w > 0)
        p, y, w = scores[good], labels[good].astype(float), w[good]
        at = np.minimum((p * CALIBRATION_BINS).astype(np.intp), CALIBRATION_BINS - 1)
        summed = (np.ones(len(p)), w, w * w, w * p, w * y)
        bins = np.array([np.bincount(at, weights=one, minlength=CALIBRATION_BINS) for one in summed])
        variance, tilt = p * (1 - p), 1 - 2 * p
        return cls(
            bins,
            float((w * (y - p)).sum()),
            float((w * w * variance).sum()),
            float((w * (y - p) * tilt).sum()),
            float((w * w * tilt**2 * variance).sum()),
        )

    def __add__(self, other: "LabelledScores") -> "LabelledScores":
        return LabelledScores(
            self.bins + other.bins,
            self.gap + other.gap,
            self.gap_variance + other.gap_variance,
            self.spiegelhalter + other.spiegelhalter,
            self.spiegelhalter_variance + other.spiegelhalter_variance,
        )

    @property
    def rows(self) -> int:
        """The number of decisions."""
        return int(self.bins[0].sum())


CALIBRATION_BINS = 20
