"""Routes of decisions: the whole record of one, its explanation, and lists with filters."""

import asyncio
from contextlib import suppress
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from pydantic import BaseModel

from andon import decisions
from andon.access import Permission, Principal
from andon.cord import LineState
from andon.decisions import DecisionFilter, DecisionNotFound, DecisionRecord, NotExplained
from andon.gateway.answers import as_json
from andon.gateway.decision_views import DecisionListed, DecisionOut, listed, whole
from andon.gateway.dependencies import Caller, Moment, Now, Parts
from andon.gateway.headers import LONGEST_WAIT, wait_of
from andon.kernel.db import Tx
from andon.models import HIGHEST_NUMBER

router = APIRouter(prefix="/v1/decisions", tags=["decisions"])

_PAGE = 100


class DecisionsOut(BaseModel):
    """A page of decisions, newest first; `next` is the `before` of the following page."""

    decisions: list[DecisionListed]
    next: UUID | None


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


class ContributionOut(BaseModel):
    """The weight of a field or feature, or of one word of a text, in the class. A negative weight speaks against it."""

    feature: str
    word: str | None
    weight: float


class ExplanationOut(BaseModel):
    """The contributions to the predicted class against all others, greatest first."""

    decision_id: UUID
    model: str
    model_version: int
    label: str
    contributions: list[ContributionOut]


_WAITS: dict[int | str, dict[str, Any]] = {
    202: {"model": WaitingOut, "description": "Accepted and not decided yet; ask again."}
}


def _preferred(
    request: Request,
    prefer: Annotated[  # noqa: ARG001 - described here; all lines of it count
        str | None, Header(description="`wait=20`: the same as the parameter `wait` (RFC 7240).")
    ] = None,
) -> str:
    return ", ".join(request.headers.getlist("prefer"))


Preferred = Annotated[str, Depends(_preferred)]


@router.get("/{decision_id}", response_model=DecisionOut | FailedOut, responses=_WAITS, operation_id="get_decision")
async def show(
    decision_id: UUID,
    caller: Caller,
    gateway: Parts,
    now: Now,
    preferred: Preferred,
    wait: Annotated[
        float, Query(ge=0, le=LONGEST_WAIT, description="Seconds to wait for an accepted request to be decided.")
    ] = 0,
) -> DecisionOut | FailedOut | Response:
    """Show the whole record of a decision; 202 while an accepted request waits to be decided."""

    async def look() -> DecisionOut | FailedOut | WaitingOut:
        return await gateway.in_thread(lambda tx: _look(tx, decision_id, caller, now))

    seconds = wait or wait_of(preferred)
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


@router.get("/{decision_id}/explanation", operation_id="explain_decision")
async def explain(
    decision_id: UUID, caller: Caller, gateway: Parts, limit: Annotated[int, Query(ge=1, le=200)] = 20
) -> ExplanationOut:
    """Explain the predicted class of a decision, computed now from the inputs that its model had then.

    LightGBM models give contributions by column. scikit-learn models whose last step is linear give them by column and
    by word.
    """
    record = await gateway.in_thread(lambda tx: _readable(tx, decision_id, caller))
    if gateway.explain is None:
        raise NotExplained("This gateway cannot explain decisions")
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


@router.get("", operation_id="list_decisions")
async def index(
    caller: Caller,
    gateway: Parts,
    automation: str | None = None,
    outcome: str | None = None,
    rule: str | None = None,
    label: Annotated[str | None, Query(description="The label that the model predicted.")] = None,
    model_version: Annotated[int | None, Query(ge=1, le=HIGHEST_NUMBER)] = None,
    arm: Annotated[str | None, Query(description="Such as `fraud-risk@8+3f2a9c01d2e4`.")] = None,
    gate_revision: Annotated[int | None, Query(ge=0, le=HIGHEST_NUMBER)] = None,
    line_state: LineState | None = None,
    audit_drawn: Annotated[bool | None, Query(description="Whether it was drawn for a blind audit.")] = None,
    segment: Annotated[
        list[str] | None,
        Query(description="`field=value` of the input, such as `country=AT`; may be repeated.", max_length=8),
    ] = None,
    since: Annotated[
        Moment | None, Query(description="Asked for at or after this time; UTC if it has no zone.")
    ] = None,
    until: Annotated[Moment | None, Query(description="Asked for before this time.")] = None,
    search: Annotated[str | None, Query(max_length=128, description="A correlation id or a decision's id.")] = None,
    before: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=_PAGE)] = 50,
) -> DecisionsOut:
    """List the decisions that the caller may see, newest first; `next` is the `before` of the following page.

    A search that takes longer than a few seconds is refused: narrow it. So is a search while too many are under way.
    """
    wanted = DecisionFilter(
        automations=_visible(caller),
        automation=automation,
        outcome=outcome,
        rule=rule,
        label=label,
        model_version=model_version,
        arm=arm,
        gate_revision=gate_revision,
        line_state=line_state,
        audit_drawn=audit_drawn,
        segment=decisions.segment_in(segment or []),
        since=since,
        until=until,
        search=search,
    )
    rows = await gateway.searches.run(lambda tx: decisions.page(tx, wanted, limit=limit, before=before))
    return DecisionsOut(decisions=[listed(row) for row in rows], next=rows[-1].id if len(rows) == limit else None)


def _look(tx: Tx, decision_id: UUID, caller: Principal, now: datetime) -> DecisionOut | FailedOut | WaitingOut:
    """Return what the caller may see of a decision now. Raises DecisionNotFound."""
    pending = decisions.find_waiting(tx, decision_id)  # first: once the pending request is gone, the decision exists
    record = decisions.find(tx, decision_id)
    if record is not None and _may_read(caller, record.row.automation, record.row.caller):
        return whole(tx, record, now)
    if record is None and pending is not None and _may_read(caller, pending.automation, pending.caller):
        if pending.error is not None:
            return FailedOut(id=decision_id, status="failed", error=pending.error)
        return WaitingOut(id=decision_id, status="pending", received_at=pending.received_at)
    raise DecisionNotFound(f"No decision {decision_id}")


def _readable(tx: Tx, decision_id: UUID, caller: Principal) -> DecisionRecord:
    """Return a decision that the caller may read. Raises DecisionNotFound."""
    record = decisions.find(tx, decision_id)
    if record is None or not _may_read(caller, record.row.automation, record.row.caller):
        raise DecisionNotFound(f"No decision {decision_id}")
    return record


def _as_answer(seen: DecisionOut | FailedOut | WaitingOut) -> DecisionOut | FailedOut | Response:
    return as_json(seen, status=202, headers={"Retry-After": "1"}) if isinstance(seen, WaitingOut) else seen


def _visible(caller: Principal) -> tuple[str, ...] | None:
    scopes = caller.scopes(Permission.READ_DECISIONS)
    return None if scopes is None else tuple(scopes)


def _may_read(caller: Principal, automation: str, asked_by: str) -> bool:
    if caller.may(Permission.READ_DECISIONS, automation):
        return True
    return asked_by == caller.name and caller.may(Permission.READ_OWN_DECISIONS, automation)
