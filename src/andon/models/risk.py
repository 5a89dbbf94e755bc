"""How confident a prediction must be so that the automatic part is wrong at most so often, proven on held-out rows.

Selective classification (Geifman and El-Yaniv 2017) by multi-start fixed-sequence testing ("Learn then Test",
Angelopoulos et al. 2021). The thresholds come from the calibration half, the errors from the other half, so that each
threshold's error is a plain binomial and the tests keep their level exactly.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from andon.models.manifest import RiskEvidence, RiskRow

THRESHOLDS = 200

_STARTS = (1.5, 4.0, 12.0, 40.0)
"""Where the sequences start, in multiples of the fewest rows that could prove anything; a few errors may then be forgiven."""


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


def threshold_for(evidence: RiskEvidence, target: float, confidence: float) -> float | None:
    """The lowest confidence above which at most `target` are wrong, with probability `confidence`; None if none is proven.

    Each sequence walks down from its start while the hypothesis "more than `target` are wrong" is rejected; the
    sequences share the level equally (Bonferroni). Starts depend on planned counts only, never on the tested rows.
    """
    level = 1.0 - confidence
    fewest = math.log(level / len(_STARTS)) / math.log1p(-target)
    starts = _starts(evidence.table, fewest)
    proven = [_walk(evidence.table[start:], target, level / len(starts)) for start in starts]
    return min((threshold for threshold in proven if threshold is not None), default=None)


def upper_bound_holds(errors: int, rows: int, target: float, level: float) -> bool:
    """Whether the exact (Clopper-Pearson) upper bound of the error at 1 - `level` is at most `target`.

    It is, if and only if so few errors would come with probability at most `level` were the error `target`.
    """
    if errors >= rows:
        return False
    odds = math.log(target) - math.log1p(-target)
    term = rows * math.log1p(-target)
    largest, total = term, 1.0
    for k in range(1, errors + 1):
        term += math.log((rows - k + 1) / k) + odds
        if term > largest:
            total, largest = total * math.exp(largest - term) + 1.0, term
        else:
            total += math.exp(term - largest)
    return largest + math.log(total) <= math.log(level)


def _starts(table: Sequence[RiskRow], fewest: float) -> list[int]:
    found = {
        next((at for at, row in enumerate(table) if row.planned >= multiple * fewest), None) for multiple in _STARTS
    }
    return sorted(at for at in found if at is not None)


def _walk(table: Sequence[RiskRow], target: float, level: float) -> float | None:
    reached = None
    for row in table:
        if not upper_bound_holds(row.errors, row.rows, target, level):
            return reached
        reached = row.threshold
    return reached
