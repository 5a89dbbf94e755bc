"""Prospects of a model: the share of decisions that each target would make automatic, and what would raise it.

They are computed from a package's held-out evidence, by the same tests as its gate. They are for people; no decision
waits for them.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from andon.kernel.plurals import plural
from andon.models.manifest import RiskEvidence
from andon.models.measuring import measured
from andon.models.risk import near, threshold_for
from andon.runtimes import Matrix
from andon.statistics.binomial import clean_labels_needed, labels_needed
from andon.statistics.gate_sequence import FEW, NARROW_PART

LADDER: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1)
"""The targets that are shown."""

LITTLE: Final = 0.2
"""The automatic share below which the reason for the shortfall is reported."""

_FEWEST_JUDGED = 20
"""The fewest rows of a region whose error counts as an estimate."""

_SEED, _DRAWS, _MOST_DRAWN = 34, 12, 20_000
"""The number of draws of a trial's rows, and the most rows of a draw."""

_REGIONS = 25
"""About the number of regions that are tried, to find the one that needs the fewest rows."""


@dataclass(frozen=True, slots=True)
class TargetProspect:
    """The effect of one target: the automatic share of the decisions, its error, and the error near its threshold.

    Where nothing is automatic, both errors are None.
    """

    target: float
    share: float
    error: float | None
    local_error: float | None


def prospects_of(
    evidence: RiskEvidence, confidence: float = 0.95, declared: Sequence[float] = (), local: float | None = None
) -> list[TargetProspect]:
    """Compute the prospects of the usual targets and of those declared, by rising target."""
    return [_prospect(evidence, target, confidence, local) for target in sorted({*LADDER, *declared})]


def expected_prospects(
    raw: Matrix, labels: NDArray[np.int64], held_out: int, targets: Sequence[float], confidence: float = 0.95
) -> list[TargetProspect]:
    """Estimate the prospects of a future model from a trial.

    `raw` are probabilities of rows on which the model was not trained, `held_out` is the number of rows to be held out
    later. That many are drawn from the trial's rows several times, split and measured as in `pack`.
    """
    rng = np.random.default_rng(_SEED)
    rarest = float(np.bincount(labels, minlength=raw.shape[1]).min() / len(labels))
    rows = min(held_out, _MOST_DRAWN)
    draws = []
    for _ in range(_DRAWS):
        drawn = rng.choice(len(labels), rows, replace=rows > len(labels))
        evidence = measured(raw[drawn], labels[drawn], rarest, rng).evidence
        draws.append([_prospect(evidence, target, confidence, None) for target in targets])
    return [_mean(target, [draw[at] for draw in draws]) for at, target in enumerate(targets)]


def _mean(target: float, found: Sequence[TargetProspect]) -> TargetProspect:
    errors = [one.error for one in found if one.error is not None]
    nearby = [one.local_error for one in found if one.local_error is not None]
    return TargetProspect(
        target,
        float(np.mean([one.share for one in found])),
        float(np.mean(errors)) if errors else None,
        float(np.mean(nearby)) if nearby else None,
    )


def share_at(evidence: RiskEvidence, target: float, confidence: float, local: float | None = None) -> float:
    """Compute the share of the decisions that a target makes automatic."""
    return _prospect(evidence, target, confidence, local).share


def shortfall_of(
    evidence: RiskEvidence, target: float, confidence: float, *, labelled: int, local: float | None = None
) -> list[str]:
    """Explain why little is automatic at a target, and what would help; empty where enough is.

    `labelled` is the number of all rows behind the package, training and held-out.
    """
    share = share_at(evidence, target, confidence, local)
    if share >= LITTLE:
        return []
    found = [f"{_amount(share)} automatic at a target of {_percent(target)}: {_cause(evidence, target, confidence)}"]
    found += _help_by_rows(evidence, target, confidence, labelled)
    wider = [one for one in prospects_of(evidence, confidence, local=local) if one.target > target]
    better = next((one for one in wider if one.share >= LITTLE), None)
    if better is not None:
        found.append(f"a target of {_percent(better.target)} makes {better.share:.0%} automatic with these rows")
    if local is not None and share_at(evidence, target, confidence) >= LITTLE:
        found.append(f"the bound near the gate ({_percent(local)}) is the limit: without it more would be automatic")
    return found


def _prospect(evidence: RiskEvidence, target: float, confidence: float, local: float | None) -> TargetProspect:
    local = None if local is None else max(local, target)
    threshold = threshold_for(evidence, target, confidence, local)
    row = next((row for row in evidence.table if row.threshold == threshold), None)
    if threshold is None or row is None or not row.rows:
        return TargetProspect(target, 0.0, None, None)
    rows, errors = near(evidence, threshold)
    return TargetProspect(
        target, row.rows / evidence.rows, row.errors / row.rows, errors / rows if rows else row.errors / row.rows
    )


def _cause(evidence: RiskEvidence, target: float, confidence: float) -> str:
    fewest = clean_labels_needed(target, confidence)
    if evidence.rows < fewest:
        return (
            f"too few rows. {plural(evidence.rows, 'held-out row')} test the gate, and it takes at least {fewest:,} "
            "without an error to prove it"
        )
    surest = next((row for row in evidence.table if row.rows >= _FEWEST_JUDGED), None)
    if (
        surest is not None
        and surest.errors > target * surest.rows
        and _rows_needed(evidence, target, confidence) is None
    ):
        return (
            f"the model is too weak for it. Of the {surest.rows:,} rows with the highest confidence, {surest.errors:,} "
            "were wrong"
        )
    whole = evidence.table[-1]
    return (
        f"its {plural(evidence.rows, 'held-out row')} do not prove it: {whole.errors:,} were wrong, most of them where "
        "the model "
        "was less sure"
    )


def _help_by_rows(evidence: RiskEvidence, target: float, confidence: float, labelled: int) -> list[str]:
    needed = _rows_needed(evidence, target, confidence)
    if needed is None:
        return ["more rows alone will not help: find more informative columns, or allow more errors"]
    more = round(labelled * (needed / max(1, evidence.rows) - 1))
    if more <= 0:
        return ["a few more labelled rows may be enough"]
    return [f"about {_rounded(more):,} more labelled rows would prove it at the present error rate"]


def _rows_needed(evidence: RiskEvidence, target: float, confidence: float) -> int | None:
    """Return the number of held-out rows likely to prove some region of at least a fifth of the rows.

    Returns None if no region has few enough errors.
    """
    least = max(_FEWEST_JUDGED, LITTLE * evidence.rows)
    regions = [row for row in evidence.table if row.rows >= least] or list(evidence.table[-1:])
    narrow = 1.0 - (1.0 - confidence) * NARROW_PART
    needed = []
    for row in regions[:: max(1, len(regions) // _REGIONS)]:
        tested_at = confidence if row.rows >= FEW * evidence.rows else narrow
        labels = labels_needed(target, tested_at, row.errors / row.rows) if row.rows else None
        if labels is not None:
            needed.append(round(labels * evidence.rows / row.rows))
    return min(needed, default=None)


def _rounded(rows: int) -> int:
    """Round to two digits, as it is an estimate."""
    scale = int(10 ** max(0, len(str(rows)) - 2))
    return math.ceil(rows / scale) * scale


def _amount(share: float) -> str:
    return "nothing is" if share == 0.0 else f"only {share:.0%} is"


def _percent(share: float) -> str:
    return f"{100 * share:.3g}%"
