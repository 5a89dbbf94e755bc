"""Decisions, read back: the whole record of one, and lists with filters."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response

from andon import actions, decisions, labels, reviews
from andon.access import Permission, Principal
from andon.decisions import DecisionFilter, DecisionNotFound
from andon.gateway.answers import listed, whole
from andon.gateway.dependencies import Caller, Db, Now
from andon.kernel.db import Tx

router = APIRouter(prefix="/v1/decisions", tags=["decisions"])

_PAGE = 100


@router.get("/{decision_id}")
def show(decision_id: UUID, caller: Caller, db: Db, now: Now, response: Response) -> dict[str, Any]:
    """The whole record of a decision; 202 while an accepted request waits to be decided."""
    with db.begin() as tx:
        record = decisions.find(tx, decision_id)
        if record is not None and _may_read(caller, record.row.automation, record.row.caller):
            return whole(record, **_what_followed(tx, decision_id, now))
        pending = decisions.find_waiting(tx, decision_id)
    if record is None and pending is not None and _may_read(caller, pending.automation, pending.caller):
        if pending.error is not None:
            return {"id": decision_id, "status": "failed", "error": pending.error}
        response.status_code = 202
        response.headers["Retry-After"] = "1"
        return {"id": decision_id, "status": "pending", "received_at": pending.received_at}
    raise DecisionNotFound(f"No decision {decision_id}")


@router.get("")
def index(
    caller: Caller,
    db: Db,
    automation: str | None = None,
    outcome: str | None = None,
    rule: str | None = None,
    model_version: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
    since: datetime | None = None,
    until: datetime | None = None,
    search: Annotated[str | None, Query(max_length=128)] = None,
    before: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=_PAGE)] = 50,
) -> dict[str, Any]:
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
    return {"decisions": [listed(row) for row in rows], "next": rows[-1].id if len(rows) == limit else None}


def _visible(caller: Principal) -> tuple[str, ...] | None:
    scopes = caller.scopes(Permission.READ_DECISIONS)
    return None if scopes is None else tuple(scopes)


def _may_read(caller: Principal, automation: str, asked_by: str) -> bool:
    if caller.may(Permission.READ_DECISIONS, automation):
        return True
    return asked_by == caller.name and caller.may(Permission.READ_OWN_DECISIONS, automation)


def _what_followed(tx: Tx, decision_id: UUID, now: datetime) -> dict[str, Any]:
    review = reviews.of_decision(tx, decision_id)
    return {
        "actions": [
            {
                "id": action.id,
                "action": action.action,
                "destination": action.destination,
                "state": action.state,
                "attempts": action.attempts,
                "last_error": action.last_error,
            }
            for action in actions.of_decision(tx, decision_id)
        ],
        "review": None
        if review is None
        else {
            "id": review.id,
            "queue": review.queue,
            "state": review.state(now),
            "due_at": review.due_at,
            "verdict": None
            if review.verdict is None
            else {
                "outcome": review.verdict.outcome,
                "reason": review.verdict.reason,
                "by": review.verdict.by,
                "at": review.verdict.at,
            },
        },
        "labels": [
            {"value": label.value, "source": label.source, "recorded_at": label.recorded_at}
            for label in labels.of_decision(tx, decision_id)
        ],
    }
