"""The confidence that predictions need so that the error of automatic ones is bounded, proven on held-out rows.

The method is selective classification (Geifman and El-Yaniv 2017) by fixed-sequence testing ("Learn then Test",
Angelopoulos et al. 2021). The thresholds come from the held-out rows that calibrate, the errors from the others. So
each threshold's error is a plain binomial, and the tests keep their level exactly.
"""

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from andon.models.manifest import RiskEvidence, RiskRow
from andon.statistics import gate_bands
from andon.statistics.binomial import clean_labels_needed, upper_bound_holds
from andon.statistics.gate_sequence import Beginning, foreseen_start, held_out_starts

THRESHOLDS = 200


def evidence_of(
    planning: NDArray[np.float64],
    confidence: NDArray[np.float64],
    wrong: NDArray[np.bool_],
    planned_wrong: NDArray[np.bool_] | None = None,
) -> RiskEvidence:
    """Count for each threshold how many rows lie above it, and their errors.

    The thresholds are taken from the confidences in `planning`; other rows are counted. `planned_wrong` are the errors
    of the planning rows, by which a gate may choose where its test begins.
    """
    thresholds = np.unique(np.quantile(planning, np.linspace(0.0, 1.0, THRESHOLDS), method="lower"))[::-1]
    wrongly = np.zeros(len(planning), dtype=np.bool_) if planned_wrong is None else planned_wrong
    found = _evidence_at(thresholds, (planning, wrongly, len(planning)), (confidence, wrong, len(confidence)))
    return found if planned_wrong is not None else found.model_copy(update={"foreseen": None})


Part: TypeAlias = tuple[NDArray[np.float64], NDArray[np.bool_], int]
"""The confidences and errors of rows, out of a number of rows: the others are in no region."""


def evidence_under(
    known: RiskEvidence,
    classes: Sequence[str],
    confidence: NDArray[np.float64],
    predicted: NDArray[np.int64],
    wrong: NDArray[np.bool_],
    measuring: NDArray[np.bool_],
) -> RiskEvidence:
    """Count kept rows by the thresholds of a model's own evidence; a row without a confidence (NaN) is in no region.

    So the evidence covers what a policy leaves automatic. Its `rows` are all that measure, whoever decides on them.
    """

    def of(table: RiskEvidence, among: NDArray[np.bool_]) -> RiskEvidence:
        parts = [(confidence[some], wrong[some]) for some in (among & ~measuring & inside, among & measuring & inside)]
        totals = int((among & ~measuring).sum()), int((among & measuring).sum())
        thresholds = np.array([row.threshold for row in table.table])
        return _evidence_at(thresholds, *((*part, total) for part, total in zip(parts, totals, strict=True)))

    inside = ~np.isnan(confidence)
    by_class = {
        name: of(known.by_class[name], predicted == number)
        for number, name in enumerate(classes)
        if known.by_class is not None and name in known.by_class
    }
    every = of(known, np.ones(len(confidence), dtype=np.bool_))
    return every.model_copy(update={"by_class": by_class or None})


def _evidence_at(thresholds: NDArray[np.float64], planning: Part, measured: Part) -> RiskEvidence:
    above, errors = _counted(thresholds, *measured[:2])
    planned, foreseen = _counted(thresholds, *planning[:2])
    share = measured[2] / max(1, planning[2])
    table = [
        RiskRow(threshold=threshold, planned=int(share * expected), rows=rows, errors=some)
        for threshold, expected, rows, some in zip(
            thresholds.tolist(), planned.tolist(), above.tolist(), errors.tolist(), strict=True
        )
    ]
    known = tuple(zip(planned.tolist(), foreseen.astype(int).tolist(), strict=True))
    return RiskEvidence(table=tuple(table), rows=measured[2], foreseen=known)


def _counted(
    thresholds: NDArray[np.float64], confidence: NDArray[np.float64], wrong: NDArray[Any]
) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """Count the rows above each threshold, and those of them that are wrong."""
    order = np.argsort(-confidence, kind="stable")
    above = np.searchsorted(-confidence[order], -thresholds, side="right")
    return above, np.concatenate(([0], np.cumsum(wrong[order])))[above]


Predicted: TypeAlias = tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.bool_]]
"""The confidences, predicted classes (as numbers) and errors of some rows."""


def evidence_by_class(classes: Sequence[str], planning: Predicted, measured: Predicted) -> dict[str, RiskEvidence]:
    """Count as `evidence_of` does, for the rows predicted as each class."""
    (planned, planned_as, planned_wrong), (confidence, predicted, wrong) = planning, measured
    found = {}
    for number, name in enumerate(classes):
        own, tested = planned[planned_as == number], predicted == number
        if len(own):
            found[name] = evidence_of(own, confidence[tested], wrong[tested], planned_wrong[planned_as == number])
    return found


def threshold_for(evidence: RiskEvidence, target: float, confidence: float, local: float | None = None) -> float | None:
    """Return the lowest proven confidence above which at most `target` are wrong; None if none is proven.

    The proof holds with probability `confidence`. With `local`, it also holds that at most `local` are wrong in the
    band next to the threshold. A sequence walks down while "more are wrong" is rejected; with `local`, while both are.
    Where sequences begin depends on calibrating rows only, never on the tested ones.
    """
    level, table, proven = 1.0 - confidence, evidence.table, None
    parts = _parts(evidence, target, level)
    bands = None if local is None else _bands(table, gate_bands.tested_rows(clean_labels_needed(local, confidence)))
    carried = 0.0
    for at in range(min(parts, default=0), len(table)):
        carried += parts.get(at, 0.0)
        row = table[at]
        holds = carried > 0.0 and upper_bound_holds(row.errors, row.rows, target, level * carried)
        if holds and bands is not None and local is not None:
            rows, errors = bands[at]
            holds = upper_bound_holds(errors, rows, local, level * carried)
        if holds:
            proven = row.threshold
        else:
            carried = 0.0
    return proven


def near(evidence: RiskEvidence, threshold: float) -> tuple[int, int]:
    """Return the number of tested rows in the band next to a threshold of the table, and their errors.

    Both are 0 if the table does not have the threshold.
    """
    at = next((at for at, row in enumerate(evidence.table) if row.threshold == threshold), None)
    return (0, 0) if at is None else _bands(evidence.table, gate_bands.SHOWN)[at]


def _bands(table: Sequence[RiskRow], fewest: int) -> list[tuple[int, int]]:
    tops = gate_bands.tops_of(np.array([row.planned for row in table], float), fewest)
    counts = gate_bands.within(np.array([(row.rows, row.errors) for row in table], float).reshape(-1, 2), tops)
    return [(int(rows), int(errors)) for rows, errors in counts.tolist()]


def _parts(evidence: RiskEvidence, target: float, level: float) -> dict[int, float]:
    """Return the rows at which sequences begin, each with its share of the level."""
    parts: dict[int, float] = {}
    table, planned = evidence.table, [row.planned for row in evidence.table]
    for rows, part in held_out_starts(planned[-1], target, level) if table else ():
        at = next((at for at, some in enumerate(planned) if some >= rows), len(table) - 1)
        parts[at] = parts.get(at, 0.0) + part
    if evidence.foreseen is None or not parts:
        return parts
    wide = Beginning(max(parts), parts[max(parts)])
    only = foreseen_start(planned, evidence.foreseen, wide, target, level)
    return parts if only is None else {only: 1.0}
