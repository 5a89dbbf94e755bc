"""The calibration test: whether labels reject that a score of p came true in a share p of the cases.

Three views, each with a third of the level: the mean (calibration in the large, Cox 1958), Spiegelhalter's z (1986),
which detects scores that are too bold or too timid, and the bins of a reliability diagram. A bin's labels vary less
than binomial ones of its mean score (Hoeffding 1956), so the exact binomial tail bounds its p-value.
"""

from dataclasses import dataclass
from math import sqrt
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from andon.statistics.intervals import wilson
from andon.statistics.scores import LabelledScores

Floats: TypeAlias = NDArray[np.float64]

LEAST_ROWS = 50
"""The fewest labels that can reject anything."""


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Decisions with scores in one bin: mean score, share that came true with its 95% interval, and their number."""

    score: float
    share: float
    low: float
    high: float
    rows: int


@dataclass(frozen=True, slots=True)
class CalibrationCheck:
    """The calibration of scores by labels.

    `p_value` combines the three views; `test` is the decisive one.

    `gap` is the share that came true less the mean score. `error` is the expected calibration error, `slope_z`
    Spiegelhalter's z.
    """

    p_value: float
    test: str
    gap: float
    error: float
    slope_z: float
    rows: int
    bins: tuple[ReliabilityBin, ...]

    def rejected(self, level: float) -> bool:
        """Return whether the scores are not calibrated, at this level."""
        return self.p_value <= level


def check_calibration(sums: LabelledScores) -> CalibrationCheck:
    """Test the scores of labelled decisions; with fewer than 50 of them the p-value is 1."""
    count, weight, squared, score, label = sums.bins
    filled = np.flatnonzero(weight > 0)
    effective = weight[filled] ** 2 / squared[filled]
    mean, share = score[filled] / weight[filled], label[filled] / weight[filled]
    total = max(float(weight.sum()), 1e-300)
    slope_z = _z(sums.spiegelhalter, sums.spiegelhalter_variance)
    found = {
        "mean": _two_sided(_z(sums.gap, sums.gap_variance)),
        "spiegelhalter": _two_sided(slope_z),
        "bins": float(min(_bins(effective, mean, share).min(initial=1.0) * max(len(filled), 1), 1.0)),
    }
    test = min(found, key=found.__getitem__)
    return CalibrationCheck(
        p_value=min(3 * found[test], 1.0) if sums.rows >= LEAST_ROWS else 1.0,
        test=test,
        gap=sums.gap / total,
        error=float((weight[filled] * np.abs(share - mean)).sum() / total),
        slope_z=slope_z,
        rows=sums.rows,
        bins=tuple(
            ReliabilityBin(float(p), float(y), *wilson(round(n * y), max(round(n), 1)), int(rows))
            for p, y, n, rows in zip(mean, share, effective, count[filled], strict=True)
        ),
    )


def _bins(effective: Floats, mean: Floats, share: Floats) -> Floats:
    """Two-sided binomial p-values of each bin; with weights, of as many plain labels as they are worth (Kish 1965)."""
    from scipy.special import bdtr, bdtrc

    n = np.maximum(np.round(effective), 1).astype(np.int64)
    k = np.clip(np.round(n * share), 0, n).astype(np.int64)
    more = np.where(k > 0, bdtrc(np.maximum(k - 1, 0), n, mean), 1.0)
    return np.asarray(np.minimum(2 * np.minimum(more, bdtr(k, n, mean)), 1.0))


def _z(total: float, variance: float) -> float:
    if variance <= 0:
        return 0.0 if total == 0 else float(np.sign(total)) * 40.0
    return total / sqrt(variance)


def _two_sided(z: float) -> float:
    from scipy.special import ndtr

    return float(2 * ndtr(-abs(z)))
