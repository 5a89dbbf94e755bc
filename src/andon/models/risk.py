"""How confident a prediction must be so that the automatic part is wrong at most so often, proven on held-out rows.

Selective classification (Geifman and El-Yaniv 2017) by fixed-sequence testing ("Learn then Test",
Angelopoulos et al. 2021). The thresholds come from the held-out rows that calibrate, the errors from the others, so that each
threshold's error is a plain binomial and the tests keep their level exactly.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from andon.models.manifest import RiskEvidence, RiskRow
from andon.statistics import gate_bands
from andon.statistics.binomial import clean_labels_needed, upper_bound_holds
from andon.statistics.gate_sequence import first_rows

THRESHOLDS = 200


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


def threshold_for(
    evidence: RiskEvidence, target: float, confidence: float, local: float | None = None
) -> float | None:
    """The lowest confidence above which at most `target` are wrong, with probability `confidence`; None if none is proven.

    With `local`, at most so many are wrong in the band next to the threshold as well. The sequence walks down while "more are
    wrong" is rejected; with `local`, while both are. Where it starts depends on planned counts only, never on the tested rows.
    """
    level = 1.0 - confidence
    table, proven = evidence.table, None
    bands = None if local is None else _bands(table, gate_bands.tested_rows(clean_labels_needed(local, confidence)))
    for at in range(_start(table, target, confidence), len(table)):
        row = table[at]
        if not upper_bound_holds(row.errors, row.rows, target, level):
            break
        if bands is not None and local is not None and not upper_bound_holds(bands[at][1], bands[at][0], local, level):
            break
        proven = row.threshold
    return proven


def near(evidence: RiskEvidence, threshold: float) -> tuple[int, int]:
    """The tested rows in the band next to a threshold of the table, and how many of them were wrong; none where it is not there."""
    at = next((at for at, row in enumerate(evidence.table) if row.threshold == threshold), None)
    return (0, 0) if at is None else _bands(evidence.table, gate_bands.SHOWN)[at]


def _bands(table: Sequence[RiskRow], fewest: int) -> list[tuple[int, int]]:
    tops = gate_bands.tops_of(np.array([row.planned for row in table], float), fewest)
    counts = gate_bands.within(np.array([(row.rows, row.errors) for row in table], float).reshape(-1, 2), tops)
    return [(int(rows), int(errors)) for rows, errors in counts.tolist()]


def _start(table: Sequence[RiskRow], target: float, confidence: float) -> int:
    """The first threshold with enough planned rows; the last one if no threshold has."""
    last = max(len(table) - 1, 0)
    fewest = math.log1p(-confidence) / math.log1p(-target)
    enough = first_rows(table[-1].planned, fewest) if table else None
    return last if enough is None else next((at for at, row in enumerate(table) if row.planned >= enough), last)
