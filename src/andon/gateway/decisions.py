"""Decisions, read back: the whole record of one, and lists with filters."""

import asyncio
from contextlib import suppress
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Header, Query, Response
from pydantic import BaseModel, Field

from andon import actions, decisions, labels, reviews, serving
from andon.access import Permission, Principal
from andon.actions import ActionState
from andon.decisions import DecisionFilter, DecisionNotFound, DecisionRecord, DecisionRow
from andon.gateway.answers import ModelUsed, as_json, shared
from andon.gateway.dependencies import Caller, Db, Moment, Now, Parts
from andon.gateway.headers import LONGEST_WAIT, wait_of
from andon.kernel.db import Tx
from andon.labels import LabelSource
from andon.reviews import ReviewState
from andon.serving import Chosen

router = APIRouter(prefix="/v1/decisions", tags=["decisions"])

_PAGE = 100


class ModelNumber(BaseModel):
    """Which model version predicted, in short."""

    name: str
    version: int


class DecisionListed(BaseModel):
    """A decision in a list."""

    id: UUID
    automation: str
    automation_version: int
    outcome: str
    rule: str
    score: float | None
    confidence: float | None
    certain: bool
    model: ModelNumber
    policy_version: str
    correlation_id: str
    decided_at: datetime
    latency_ms: float


class DecisionsOut(BaseModel):
    """A page of decisions, newest first; `next` is the `before` of the following page."""

    decisions: list[DecisionListed]
    next: UUID | None


class PredictionSeen(BaseModel):
    """What the model said."""

    score: float
    label: str
    confidence: float
    probabilities: dict[str, float]


class RiskSeen(BaseModel):
    """Whether the prediction was certain enough, and the bounds that were in force."""

    certain: bool
    threshold: float
    target: float


class RulingSeen(BaseModel):
    """What the policy chose; `error` if a condition could not be evaluated or nothing could be predicted."""

    outcome: str
    rule: str
    reasons: list[str]
    error: str | None
    version: str


class Proof(BaseModel):
    """Where the audit log holds the decision: the chain of a writer, the number in it, the record's digest."""

    writer: UUID
    seq: int
    digest: str


class ActionTaken(BaseModel):
    """An action of the decision, and how far it got."""

    id: UUID
    action: str
    destination: str
    state: ActionState
    attempts: int
    last_error: str | None


class VerdictSeen(BaseModel):
    """What a person chose, and why."""

    outcome: str
    reason: str
    by: str
    at: datetime


class ReviewSeen(BaseModel):
    """The person's task that the decision became."""

    id: UUID
    queue: str
    state: ReviewState
    due_at: datetime
    verdict: VerdictSeen | None


class LabelSeen(BaseModel):
    """What turned out to be true."""

    value: str
    source: LabelSource
    recorded_at: datetime


class ShadowSeen(BaseModel):
    """What a version said that only looked on; `outcome` is what the policy would have chosen."""

    model_version: int
    outcome: str | None
    score: float | None
    label: str | None
    confidence: float | None
    error: str | None
    predicted_at: datetime


class AssignmentSeen(BaseModel):
    """Which version was to answer, and why."""

    version: int
    chosen: Chosen
    split: int = Field(description="The number of the traffic split that held; 0 where none was made.")
    bucket: int | None = Field(description="Where the subject fell, 0 to 9999; null where nothing was drawn.")


class FallbackSeen(BaseModel):
    """What answered instead of that version."""

    step: str = Field(description="The alias of another version, `rules` or `review`.")
    because: str = Field(description="The reason why that version did not answer.")


class DecisionOut(DecisionListed):
    """Everything that is known of a decision."""

    status: Literal["decided"]
    reasons: list[str]
    model: ModelUsed  # type: ignore[assignment]  # more than in a list
    caller: str
    input: Any = Field(description="Exactly what was sent.")
    features: dict[str, Any]
    prediction: PredictionSeen | None
    risk: RiskSeen
    policy: RulingSeen
    traceparent: str | None
    assignment: AssignmentSeen
    fallback: FallbackSeen | None
    stages_us: dict[str, int]
    audit: Proof
    actions: list[ActionTaken]
    review: ReviewSeen | None
    labels: list[LabelSeen]
    shadows: list[ShadowSeen]


class FailedOut(BaseModel):
    """An accepted request that can never be decided."""

    id: UUID
    status: Literal["failed"]
    error: str


class WaitingOut(BaseModel):
    """An accepted request that waits to be decided."""

    id: UUID
    status: Literal["pending"]
    received_at: datetime


_WAITS: dict[int | str, dict[str, Any]] = {
    202: {"model": WaitingOut, "description": "Accepted and not decided yet; ask again."}
}


@router.get("/{decision_id}", response_model=DecisionOut | FailedOut, responses=_WAITS)
async def show(
    decision_id: UUID,
    caller: Caller,
    gateway: Parts,
    now: Now,
    wait: Annotated[
        float, Query(ge=0, le=LONGEST_WAIT, description="Seconds to wait for an accepted request to be decided.")
    ] = 0,
    prefer: Annotated[str, Header(description="`wait=20`: the same as the parameter (RFC 7240).")] = "",
) -> DecisionOut | FailedOut | Response:
    """The whole record of a decision; 202 while an accepted request waits to be decided."""

    async def look() -> DecisionOut | FailedOut | WaitingOut:
        return await gateway.in_thread(lambda tx: _look(tx, decision_id, caller, now))

    seconds = wait or wait_of(prefer)
    if not seconds:
        return _as_answer(await look())
    with gateway.waiters.expecting(decision_id) as over:
        seen = await look()
        if over is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    while isinstance(seen, WaitingOut) and not gateway.draining:
                        await over.wait()
                        over.clear()
                        seen = await look()
    return _as_answer(seen)


@router.get("")
def index(
    caller: Caller,
    db: Db,
    automation: str | None = None,
    outcome: str | None = None,
    rule: str | None = None,
    model_version: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
    since: Annotated[
        Moment | None, Query(description="Asked for at this time or later; in UTC if it says no zone.")
    ] = None,
    until: Annotated[Moment | None, Query(description="Asked for before this time.")] = None,
    search: Annotated[str | None, Query(max_length=128, description="A correlation id or a decision's id.")] = None,
    before: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=_PAGE)] = 50,
) -> DecisionsOut:
    """Decisions that the caller may see, newest first; `next` is the `before` of the following page."""
    wanted = DecisionFilter(
        automations=_visible(caller),
        automation=automation,
        outcome=outcome,
        rule=rule,
        model_version=model_version,
        since=since,
        until=until,
        search=search,
    )
    with db.begin() as tx:
        rows = decisions.page(tx, wanted, limit=limit, before=before)
    return DecisionsOut(decisions=[_listed(row) for row in rows], next=rows[-1].id if len(rows) == limit else None)


def _look(tx: Tx, decision_id: UUID, caller: Principal, now: datetime) -> DecisionOut | FailedOut | WaitingOut:
    """What the caller may know of a decision now. Raises DecisionNotFound."""
    pending = decisions.find_waiting(tx, decision_id)  # first: once it is not there any more, the decision is
    record = decisions.find(tx, decision_id)
    if record is not None and _may_read(caller, record.row.automation, record.row.caller):
        return _whole(tx, record, now)
    if record is None and pending is not None and _may_read(caller, pending.automation, pending.caller):
        if pending.error is not None:
            return FailedOut(id=decision_id, status="failed", error=pending.error)
        return WaitingOut(id=decision_id, status="pending", received_at=pending.received_at)
    raise DecisionNotFound(f"No decision {decision_id}")


def _as_answer(seen: DecisionOut | FailedOut | WaitingOut) -> DecisionOut | FailedOut | Response:
    return as_json(seen, status=202, headers={"Retry-After": "1"}) if isinstance(seen, WaitingOut) else seen


def _visible(caller: Principal) -> tuple[str, ...] | None:
    scopes = caller.scopes(Permission.READ_DECISIONS)
    return None if scopes is None else tuple(scopes)


def _may_read(caller: Principal, automation: str, asked_by: str) -> bool:
    if caller.may(Permission.READ_DECISIONS, automation):
        return True
    return asked_by == caller.name and caller.may(Permission.READ_OWN_DECISIONS, automation)


def _listed(row: DecisionRow) -> DecisionListed:
    return DecisionListed(**shared(row), model=ModelNumber(name=row.model, version=row.model_version))


def _whole(tx: Tx, record: DecisionRecord, now: datetime) -> DecisionOut:
    written, decision_id = record.record, record.row.id
    return DecisionOut(
        **shared(record.row),
        status="decided",
        reasons=written["policy"]["reasons"],
        model=written["line"]["model"],
        caller=record.row.caller,
        input=written["input"],
        features=written["features"],
        prediction=written["prediction"],
        risk=written["risk"],
        policy={**written["policy"], "version": record.row.policy_version},
        traceparent=written["traceparent"],
        assignment=written["assignment"],
        fallback=written["fallback"],
        stages_us=written["stages_us"],
        audit=Proof(writer=record.writer, seq=record.seq, digest=record.digest),
        actions=[
            ActionTaken.model_validate(action, from_attributes=True) for action in actions.of_decision(tx, decision_id)
        ],
        review=_review(tx, decision_id, now),
        labels=[LabelSeen.model_validate(label, from_attributes=True) for label in labels.of_decision(tx, decision_id)],
        shadows=[ShadowSeen.model_validate(s, from_attributes=True) for s in serving.shadows_of(tx, decision_id)],
    )


def _review(tx: Tx, decision_id: UUID, now: datetime) -> ReviewSeen | None:
    review = reviews.of_decision(tx, decision_id)
    if review is None:
        return None
    return ReviewSeen(
        id=review.id,
        queue=review.queue,
        state=review.state(now),
        due_at=review.due_at,
        verdict=None if review.verdict is None else VerdictSeen.model_validate(review.verdict, from_attributes=True),
    )
