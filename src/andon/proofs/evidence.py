"""The evidence of one decision: whether it counts for a gate, since when, and its probability of a look. Pure.

A blind audit or a review counts immediately. A label from outside counts when it is mature, as reports of one class
arrive earlier than those of another. Where silence is a label, the decisions it covers count at maturity, whoever
looked at them before.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from andon.authoring import Truth
from andon.cord import CordInvalid, LineState, segment_of
from andon.decisions import DecisionRow
from andon.evidence import is_automatic
from andon.gates import GateSegment
from andon.labels import Label, LabelSource, matures_at, standing_labels, valid_label
from andon.policies import REVIEW
from andon.proofs.domain import GateEvidence
from andon.serving import proven_arm


@dataclass(frozen=True, slots=True)
class Floors:
    """The least probability of a look at a decision at that time: in the whole line, and in the decision's segment.

    None where some decisions were never looked at.
    """

    whole: float | None
    part: float | None


@dataclass(frozen=True, slots=True)
class NotYet:
    """A label that counts from a later moment on."""

    until: datetime


def concerns_gate(row: DecisionRow) -> bool:
    """Return whether the gate concerns a decision: not if the policy requires a review at any certainty."""
    if row.label is None or row.confidence is None or row.line_state is LineState.STOPPED:
        return False
    return not (row.certain and row.outcome == REVIEW and row.line_state is LineState.AUTOMATIC)


def evidence_of(
    row: DecisionRow,
    labels: Sequence[Label],
    truth: Truth | None,
    segment: GateSegment,
    floors: Callable[[bool], Floors],
    *,
    now: datetime,
    swept: bool,
) -> GateEvidence | NotYet | None:
    """Return a decision's evidence about its gate at a moment; None without any.

    `floors` gives the floors of young decisions (False) and of mature ones (True), where silence may be a label. With
    `swept`, the decision is among the matured ones, all of which are looked at.
    """
    valid = valid_label(labels, truth, outcome=row.outcome, decided_at=row.decided_at, moment=now)
    if valid is None or not concerns_gate(row) or row.label is None or row.confidence is None:
        return None
    due, silent = matures_at(truth, row.decided_at), truth is not None and truth.unreported is not None
    people = _of_people(labels, truth, now)
    if valid.complete and swept:
        propensity, looked = 1.0, floors(True)
    elif people:
        propensity, looked = max(label.probability for label in people.values()), floors(silent and due <= now)
        if looked.whole is None and silent and due > now:
            return NotYet(due)
    elif silent:
        return None
    elif due > now:
        return NotYet(due)
    else:
        propensity, looked = valid.probability, floors(False)
        looked = Floors(looked.whole or propensity, looked.part or propensity)
    if looked.whole is None or looked.part is None:
        return None
    return GateEvidence(
        decision_id=row.id,
        automation=row.automation,
        arm=proven_arm(row.arm),
        segment=segment,
        predicted=row.label,
        actual=valid.value,
        confidence=row.confidence,
        propensity=propensity,
        floor=min(looked.whole, propensity),
        part_floor=min(looked.part, propensity),
        automatic=is_automatic(row),
        audited=LabelSource.BLIND_AUDIT in people,
    )


def _of_people(labels: Sequence[Label], truth: Truth | None, now: datetime) -> Mapping[LabelSource, Label]:
    """Return the standing labels by people who looked."""
    standing = standing_labels((one for one in labels if one.known_at <= now), truth)
    return {source: one for source, one in standing.items() if source in (LabelSource.REVIEW, LabelSource.BLIND_AUDIT)}


def segment_in(given: Mapping[str, Any], field: str | None, contract: Mapping[str, Any]) -> GateSegment:
    """Return an input's segment: its value in a field, or the contract's default where it is missing."""
    if field is None:
        return {}
    value = given.get(field, contract.get("properties", {}).get(field, {}).get("default"))
    if value is None:
        return {}
    try:
        return segment_of({field: value}, contract)
    except CordInvalid:
        return {}
