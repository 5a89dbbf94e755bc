"""What spoke for the class of a decision, by column and by word."""

import asyncio
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel

from andon import decisions
from andon.decisions import DecisionNotFound, DecisionRecord, NotExplained
from andon.gateway.decisions import may_read
from andon.gateway.dependencies import Caller, Parts
from andon.kernel.db import Tx

router = APIRouter(prefix="/v1/decisions", tags=["decisions"])

MOST = 200


class ContributionOut(BaseModel):
    """The part that a field or feature, or one word of a text, had in the class; below zero it spoke against it."""

    feature: str
    word: str | None
    weight: float


class ExplanationOut(BaseModel):
    """What spoke for the predicted class against all others, the greatest contributions first."""

    decision_id: UUID
    model: str
    model_version: int
    label: str
    contributions: list[ContributionOut]


@router.get("/{decision_id}/explanation", operation_id="explain_decision")
async def show(
    decision_id: UUID, caller: Caller, gateway: Parts, limit: Annotated[int, Query(ge=1, le=MOST)] = 20
) -> ExplanationOut:
    """What spoke for the predicted class of a decision: computed now from what its model saw then.

    LightGBM's models say it by column, those of scikit-learn whose last step is linear by column and by word.
    """

    def look(tx: Tx) -> DecisionRecord:
        record = decisions.find(tx, decision_id)
        if record is None or not may_read(caller, record.row.automation, record.row.caller):
            raise DecisionNotFound(f"No decision {decision_id}")
        return record

    record = await gateway.in_thread(look)
    if gateway.explain is None:
        raise NotExplained("This gateway explains no decisions")
    found = await asyncio.to_thread(gateway.explain, record)
    return ExplanationOut(
        decision_id=found.decision_id,
        model=found.model,
        model_version=found.model_version,
        label=found.label,
        contributions=[
            ContributionOut(feature=one.feature, word=one.word, weight=one.weight) for one in found.strongest(limit)
        ],
    )
