"""Labels: a business system says what turned out to be true of a decision."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, status
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, StrictStr

from andon import decisions, labels
from andon.access import Permission, Principal
from andon.decisions import DecisionNotFound
from andon.gateway.dependencies import Caller, Db, Now
from andon.kernel.db import Tx
from andon.labels import LabelSource

router = APIRouter(prefix="/v1/decisions", tags=["labels"])

Truth = StrictBool | StrictInt | Annotated[float, Field(strict=True, allow_inf_nan=False)] | StrictStr


class LabelIn(BaseModel):
    """What turned out to be true, in the words of the business: true, "chargeback", 120.5."""

    model_config = ConfigDict(extra="forbid")

    value: Truth


class LabelOut(BaseModel):
    """A label, its value as text; `weight` is one over how likely it was that anybody looked."""

    id: UUID
    decision_id: UUID
    automation: str
    value: str
    source: LabelSource
    weight: float
    by: str
    recorded_at: datetime


@router.post("/{decision_id}/labels", status_code=status.HTTP_201_CREATED)
def record(decision_id: UUID, said: LabelIn, caller: Caller, db: Db, now: Now) -> LabelOut:
    """Say what turned out to be true. Saying the same again changes nothing; saying otherwise is a correction."""
    with db.begin() as tx:
        automation = _automation(tx, decision_id, caller)
        caller.require(Permission.ADD_LABELS, automation)
        label = labels.record(
            tx,
            decision_id=decision_id,
            automation=automation,
            value=said.value,
            source=LabelSource.EVENT,
            actor=caller.actor,
            now=now,
        )
    return LabelOut.model_validate(label, from_attributes=True)


@router.get("/{decision_id}/labels")
def index(decision_id: UUID, caller: Caller, db: Db) -> list[LabelOut]:
    """All that was said of a decision, oldest first; the last of a source is what it says now."""
    with db.begin() as tx:
        caller.require(Permission.READ_DECISIONS, _automation(tx, decision_id, caller))
        found = labels.of_decision(tx, decision_id)
    return [LabelOut.model_validate(label, from_attributes=True) for label in found]


def _automation(tx: Tx, decision_id: UUID, caller: Principal) -> str:
    """Whose decision it is. For who may neither read nor label there, it is not there."""
    found = decisions.find(tx, decision_id)
    if found is not None:
        automation = found.row.automation
        if any(caller.may(needed, automation) for needed in (Permission.ADD_LABELS, Permission.READ_DECISIONS)):
            return automation
    raise DecisionNotFound(f"No decision {decision_id}")
