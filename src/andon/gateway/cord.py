"""Routes of the cord: show the state of a line and its segments, pull and release the cord."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictFloat, StrictInt, StrictStr

from andon import alerts, cord, decisions
from andon.access import Permission
from andon.cord import LineState, LineStateChange
from andon.gateway.dependencies import Caller, Db, Now, Parts
from andon.gateway.reasons import Reason

router = APIRouter(prefix="/v1/automations", tags=["cord"])

SegmentIn = Annotated[
    dict[str, StrictStr | StrictBool | StrictInt | StrictFloat],
    Field(
        default_factory=dict, max_length=8, description="Fields of the contract and their values; empty for the line."
    ),
]


class LineStateOut(BaseModel):
    """One change of the state of a line or of a segment of it."""

    number: int
    segment: dict[str, str | bool | int | float]
    before: LineState
    state: LineState
    by: str
    reason: str
    at: datetime


class CordOut(BaseModel):
    """The states in force. A decision gets the most severe of the line's state and those of its segments."""

    automation: str
    state: LineState
    in_force: list[LineStateOut]


class PullIn(BaseModel):
    """The more careful state of the line, or of a segment of it."""

    model_config = ConfigDict(extra="forbid")

    state: LineState = LineState.SUPERVISED
    segment: SegmentIn
    reason: Reason


class CordReleaseIn(BaseModel):
    """The state to which the line, or a segment of it, returns."""

    model_config = ConfigDict(extra="forbid")

    state: LineState = LineState.AUTOMATIC
    segment: SegmentIn
    reason: Reason
    done: list[str] = Field(
        default=[],
        max_length=100,
        description="The completed items of the checklist, if a rule pulled the cord.",
    )
    anyway: StrictBool = Field(
        False, description="Whether to release even while the alert that pulled the cord is open."
    )


@router.get("/{name}/cord", operation_id="get_cord")
def show(name: str, caller: Caller, db: Db) -> CordOut:
    """Show the state of a line and of its segments."""
    caller.require(Permission.READ_AUTOMATIONS, name)
    with db.begin() as tx:
        decisions.newest_version(tx, name)
        return _shown(name, cord.in_force(tx, name))


@router.get("/{name}/cord/history", operation_id="list_cord_history")
def history(name: str, caller: Caller, db: Db, limit: Annotated[int, Query(ge=1, le=500)] = 50) -> list[LineStateOut]:
    """List pulls and releases, newest first."""
    caller.require(Permission.READ_AUTOMATIONS, name)
    with db.begin() as tx:
        decisions.newest_version(tx, name)
        return [_change(change) for change in cord.history(tx, name, limit=limit)]


@router.post("/{name}/cord:pull", operation_id="pull_cord")
def pull(name: str, wanted: PullIn, gateway: Parts, caller: Caller, db: Db, now: Now) -> CordOut:
    """Pull the cord: all decisions go to people, or get the owner's outcome. Gateways follow within a second."""
    caller.require(Permission.PULL_CORD, name)
    with db.begin() as tx:
        segment = cord.segment_of(wanted.segment, decisions.newest_version(tx, name).description["contract"])
        cord.pull(
            tx,
            name,
            state=wanted.state,
            segment=segment,
            actor=caller.actor,
            reason=wanted.reason,
            events=gateway.events,
            now=now,
        )
        return _shown(name, cord.in_force(tx, name))


@router.post("/{name}/cord:release", operation_id="release_cord")
def release(name: str, wanted: CordReleaseIn, gateway: Parts, caller: Caller, db: Db, now: Now) -> CordOut:
    """Release the cord: the line becomes less careful again.

    After a rule pulled the cord, the checklist must be done, and the alert must be over unless `anyway` is set.
    """
    caller.require(Permission.RELEASE_CORD, name)
    with db.begin() as tx:
        segment = cord.segment_of(wanted.segment, decisions.newest_version(tx, name).description["contract"])
        alerts.release(
            tx,
            name,
            state=wanted.state,
            segment=segment,
            actor=caller.actor,
            reason=wanted.reason,
            events=gateway.events,
            now=now,
            done=wanted.done,
            anyway=wanted.anyway,
        )
        return _shown(name, cord.in_force(tx, name))


def _shown(name: str, changes: Sequence[LineStateChange]) -> CordOut:
    whole = next((change.after for change in changes if not change.segment), LineState.AUTOMATIC)
    return CordOut(automation=name, state=whole, in_force=[_change(change) for change in changes])


def _change(change: LineStateChange) -> LineStateOut:
    return LineStateOut(
        number=change.number,
        segment=dict(change.segment),
        before=change.before,
        state=change.after,
        by=change.by,
        reason=change.reason,
        at=change.at,
    )
