"""Routes of labels: a business system or a person reports which class was true of a decision, or corrects a report."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, status
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, StrictStr

from andon import decisions, labels
from andon.access import Permission, Principal
from andon.decisions import DecisionNotFound, DecisionRow
from andon.gateway.decision_views import ValidLabelSeen
from andon.gateway.dependencies import Bus, Caller, Db, Now, ZonedMoment
from andon.gateway.reasons import Reason
from andon.kernel.db import Tx
from andon.labels import LabelNotFound, LabelSource

router = APIRouter(prefix="/v1/decisions", tags=["labels"])

Class = Annotated[
    StrictBool | StrictInt | Annotated[float, Field(strict=True, allow_inf_nan=False)] | StrictStr,
    Field(description='A class of the model, as "fraud", true or 1.'),
]
KnownAt = Annotated[ZonedMoment | None, Field(description="When it became known, with a time zone. Default: now.")]

ADDABLE = Literal[LabelSource.EVENT, LabelSource.BLIND_AUDIT, LabelSource.IMPORT]
"""The sources that a caller may name. The label of a review comes from its verdict."""


class LabelIn(BaseModel):
    """The class that was true. Only owners may name sources other than `event`, or probabilities below 1."""

    model_config = ConfigDict(extra="forbid")

    value: Class
    source: ADDABLE = LabelSource.EVENT
    probability: float = Field(
        default=1.0, gt=0, le=1, description="The probability that somebody looked at the decision at all."
    )
    known_at: KnownAt = None


class CorrectionIn(BaseModel):
    """The class that was true after all, and why the label is wrong."""

    model_config = ConfigDict(extra="forbid")

    value: Class
    reason: Reason
    known_at: KnownAt = None


class LabelOut(BaseModel):
    """The class of a decision as one source reported it."""

    id: UUID
    decision_id: UUID
    automation: str
    value: str | None = Field(description="The class; null if it is unknown which class `said` stands for.")
    said: str = Field(description="The reported value: a class, or the outcome of a verdict.")
    source: LabelSource
    probability: float = Field(description="The probability that somebody looked at the decision at all.")
    weight: float = Field(description="One over the probability.")
    by: str
    known_at: datetime
    recorded_at: datetime
    corrects: UUID | None = Field(description="The label that this one replaces.")
    reason: str | None = Field(description="Why that label was wrong.")


class LabelsOut(BaseModel):
    """All labels of a decision, oldest first, and the one that counts now."""

    labels: list[LabelOut]
    valid: ValidLabelSeen | None = Field(description="Null if nothing is known yet.")
    matures_at: datetime
    classes: list[str] = Field(description="The possible values of a label of this decision.")


@router.post("/{decision_id}/labels", status_code=status.HTTP_201_CREATED, operation_id="record_label")
def record(decision_id: UUID, said: LabelIn, caller: Caller, db: Db, now: Now, bus: Bus) -> LabelOut:
    """Record which class was true. A repeat changes nothing; a later label of the same source is a correction."""
    with db.begin() as tx:
        automation = _seen(tx, decision_id, caller).automation
        caller.require(Permission.ADD_LABELS, automation)
        if said.source is not LabelSource.EVENT or said.probability < 1:
            caller.require(Permission.WEIGH_LABELS, automation)
        label = labels.record(
            tx,
            decision_id=decision_id,
            value=said.value,
            source=said.source,
            probability=said.probability,
            known_at=said.known_at,
            actor=caller.actor,
            events=bus,
            now=now,
        )
    return LabelOut.model_validate(label, from_attributes=True)


@router.post(
    "/{decision_id}/labels/{label_id}/correct", status_code=status.HTTP_201_CREATED, operation_id="correct_label"
)
def correct(
    decision_id: UUID, label_id: UUID, said: CorrectionIn, caller: Caller, db: Db, now: Now, bus: Bus
) -> LabelOut:
    """Correct a label: another class takes its place. The label stays in the history, with the reason."""
    with db.begin() as tx:
        automation = _seen(tx, decision_id, caller).automation
        caller.require(Permission.ADD_LABELS, automation)
        before = next((one for one in labels.of_decision(tx, decision_id) if one.id == label_id), None)
        if before is None:
            raise LabelNotFound(f"Decision {decision_id} has no label {label_id}")
        if before.source not in (LabelSource.EVENT, LabelSource.REVIEW) or before.probability < 1:
            caller.require(Permission.WEIGH_LABELS, automation)
        label = labels.correct(
            tx,
            label_id,
            decision_id=decision_id,
            value=said.value,
            reason=said.reason,
            known_at=said.known_at,
            actor=caller.actor,
            events=bus,
            now=now,
        )
    return LabelOut.model_validate(label, from_attributes=True)


@router.get("/{decision_id}/labels", operation_id="list_labels")
def index(decision_id: UUID, caller: Caller, db: Db, now: Now) -> LabelsOut:
    """List all labels of a decision, oldest first, and the one that counts now."""
    with db.begin() as tx:
        row = _seen(tx, decision_id, caller)
        caller.require(Permission.READ_DECISIONS, row.automation)
        known, classes = labels.known_of(tx, row, now), labels.classes_of(tx, row)
    return LabelsOut(
        labels=[LabelOut.model_validate(label, from_attributes=True) for label in known.labels],
        valid=None if known.valid is None else ValidLabelSeen.model_validate(known.valid, from_attributes=True),
        matures_at=known.matures_at,
        classes=list(classes),
    )


def _seen(tx: Tx, decision_id: UUID, caller: Principal) -> DecisionRow:
    """Return a decision. Raises DecisionNotFound, also for a caller who may neither read nor label it."""
    found = decisions.find(tx, decision_id)
    if found is not None:
        needed = (Permission.ADD_LABELS, Permission.READ_DECISIONS)
        if any(caller.may(one, found.row.automation) for one in needed):
            return found.row
    raise DecisionNotFound(f"No decision {decision_id}")
