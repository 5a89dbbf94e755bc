"""How confident a prediction must be so that the automatic part is wrong at most so often, proven on held-out rows.

Selective classification (Geifman and El-Yaniv 2017) by fixed-sequence testing ("Learn then Test",
Angelopoulos et al. 2021). The thresholds come from the calibration half, the errors from the other half, so that each
threshold's error is a plain binomial and the tests keep their level exactly.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from andon.models.manifest import RiskEvidence, RiskRow
from andon.statistics.binomial import upper_bound_holds

THRESHOLDS = 200

_START = 3.0
"""Where the sequence starts, in multiples of the fewest rows that could prove anything, so that a few errors end nothing.

Of 1.5 to 8, and of several starts that share the level, this kept the widest region on simulated lines.
"""


def evidence_of(
    planning: NDArray[np.float64], confidence: NDArray[np.float64], wrong: NDArray[np.bool_]
) -> RiskEvidence:
    """The table of thresholds taken from the confidences `planning`, with the errors of other rows above each."""
    thresholds = np.unique(np.quantile(planning, np.linspace(0.0, 1.0, THRESHOLDS), method="lower"))[::-1]
    share = len(confidence) / len(planning)
    table = []
    for threshold in thresholds.tolist():
        above = confidence >= threshold
        planned = int(share * np.count_nonzero(planning >= threshold))
        rows, errors = int(np.count_nonzero(above)), int(np.count_nonzero(above & wrong))
        table.append(RiskRow(threshold=threshold, planned=planned, rows=rows, errors=errors))
    return RiskEvidence(table=tuple(table), rows=len(confidence))


def evidence_by_class(
    classes: Sequence[str],
    planning: tuple[NDArray[np.float64], NDArray[np.int64]],
    measured: tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.bool_]],
) -> dict[str, RiskEvidence]:
    """The tables of the rows predicted as each class: confidences and predicted classes, and of the measured rows the errors."""
    (planned, planned_as), (confidence, predicted, wrong) = planning, measured
    found = {}
    for number, name in enumerate(classes):
        own, tested = planned[planned_as == number], predicted == number
        if len(own):
            found[name] = evidence_of(own, confidence[tested], wrong[tested])
    return found


def threshold_for(evidence: RiskEvidence, target: float, confidence: float) -> float | None:
    """The lowest confidence above which at most `target` are wrong, with probability `confidence`; None if none is proven.

    The sequence walks down while the hypothesis "more than `target` are wrong" is rejected. Where it starts depends on
    planned counts only, never on the tested rows.
    """
    level = 1.0 - confidence
    fewest = math.log(level) / math.log1p(-target)
    proven = None
    for row in evidence.table[_start(evidence.table, _START * fewest) :]:
        if not upper_bound_holds(row.errors, row.rows, target, level):
            break
        proven = row.threshold
    return proven


def _start(table: Sequence[RiskRow], enough: float) -> int:
    """The first threshold with enough planned rows; the last one if there are never enough."""
    return next((at for at, row in enumerate(table) if row.planned >= enough), max(len(table) - 1, 0))
