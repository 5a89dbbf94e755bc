"""Routes of changes: figures about the changes of lines, and what was in force at a moment."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from andon import changes
from andon.access import Permission, Principal
from andon.changes import ActKind, SignKind
from andon.cord import LineState
from andon.gateway.dependencies import Caller, Db, Moment, Now

router = APIRouter(prefix="/v1", tags=["changes"])

Since = Annotated[str, Query(pattern="^[1-9][0-9]{0,4}[smhd]$", description="How far back, such as 90d or 24h.")]


class ChangeRateOut(BaseModel):
    """The frequency of changes, with the exact Poisson interval at 95%; null for an empty span."""

    count: int
    per_week: float | None
    low: float | None
    high: float | None


class ChangeShareOut(BaseModel):
    """A share with its exact binomial interval at 95%; null without cases."""

    some: int
    all: int
    share: float | None
    low: float | None
    high: float | None


class ChangeSpanOut(BaseModel):
    """A median in seconds with its interval at 95% between order statistics, which needs six cases."""

    count: int
    median: float | None
    low: float | None
    high: float | None


class StateTimesOut(BaseModel):
    """Seconds of the line in each state. `in_part`: seconds in which a part was held more strictly than the line."""

    times: dict[LineState, float]
    in_part: float


class ChangeFiguresOut(BaseModel):
    """The change figures of one automation, as DORA names them."""

    automation: str
    since: datetime = Field(description="The beginning of the span, or the first release if that was later.")
    until: datetime
    changes: int
    kinds: dict[ActKind, int]
    frequency: ChangeRateOut = Field(description="Deployment frequency.")
    lead_time: ChangeSpanOut
    failures: ChangeShareOut = Field(description="Change failure rate.")
    undecided: int = Field(description="Changes that have not failed and are younger than 7 days.")
    recovery_time: ChangeSpanOut = Field(description="Failed deployment recovery time.")
    unrecovered: int = Field(description="Failures that are not over.")
    automatic_rollbacks: ChangeShareOut
    rework: ChangeShareOut = Field(description="Changes made while the cord was pulled or an incident was open.")
    states: StateTimesOut


class ChangeWeekOut(BaseModel):
    """One week, from Monday. `lead_time` is a median and `held` the time without automatic decisions, in seconds."""

    starts_at: datetime
    changes: int
    failed: int
    rollbacks: int
    automatic_rollbacks: int
    rework: int
    lead_time: float | None
    held: float


class FailureSignOut(BaseModel):
    """The sign of a failure, and when it was over."""

    kind: SignKind
    at: datetime
    over_at: datetime | None
    reason: str


class ChangeOut(BaseModel):
    """One change. Spans of time are in seconds."""

    at: datetime
    kind: ActKind
    what: str
    by: str
    reason: str
    lead_time: float | None
    failed: bool
    signs: list[FailureSignOut]
    recovery_time: float | None
    rework: bool


class RollbackOut(BaseModel):
    """One act that undid changes. `automatic`: Andon did it by itself."""

    at: datetime
    what: str
    by: str
    reason: str
    automatic: bool


class ChangeAccountOut(ChangeFiguresOut):
    """The figures of one automation with its weeks, oldest first, its changes and its rollbacks, newest first."""

    weeks: list[ChangeWeekOut]
    made: list[ChangeOut]
    rollbacks: list[RollbackOut]


class SetterOut(BaseModel):
    """One thing that was in force: since when, by whom and why."""

    what: str
    by: str
    at: datetime
    reason: str


class HeldPartOut(SetterOut):
    """The line, or a part of it, that was not automatic."""

    state: LineState
    segment: dict[str, str | int | float | bool]


class GateAtOut(SetterOut):
    """The gate in force of an arm, or of a part of the line."""

    arm: str
    where: str
    revision: int
    threshold: float


class ActOut(BaseModel):
    """One act in the history of a line."""

    at: datetime
    kind: ActKind
    what: str
    by: str
    reason: str


class LineMomentOut(BaseModel):
    """Everything in force at a moment, and the acts around it, oldest first. Most are null before the first release."""

    automation: str
    at: datetime
    state: LineState
    held: list[HeldPartOut]
    release: SetterOut | None
    model: str | None
    policy: SetterOut | None
    champion: SetterOut | None
    shares: dict[str, float] = Field(description="Each answering candidate's percentage of the traffic.")
    shadows: list[str]
    arms: list[str]
    rollout: SetterOut | None
    split: SetterOut | None
    gates: list[GateAtOut]
    audit_share: float | None
    audit_change: SetterOut | None
    before: list[ActOut]
    after: list[ActOut]


@router.get("/changes/figures", operation_id="list_change_figures")
def index(caller: Caller, db: Db, now: Now, since: Since = "90d") -> list[ChangeFiguresOut]:
    """List the change figures of every automation that the key may read."""
    caller.require_anywhere(Permission.READ_AUTOMATIONS)
    begin, scopes = changes.since_of(now, since), caller.scopes(Permission.READ_AUTOMATIONS)
    with db.begin() as tx:
        found = changes.figures(tx, since=begin, now=now, automations=scopes)
    return [ChangeFiguresOut.model_validate(changes.document_of_figures(one)) for one in found]


@router.get("/automations/{name}/changes", operation_id="get_changes")
def show(name: str, caller: Caller, db: Db, now: Now, since: Since = "90d") -> ChangeAccountOut:
    """Show the change figures of an automation, its weeks and its changes."""
    caller.require(Permission.READ_AUTOMATIONS, name)
    begin = changes.since_of(now, since)
    with db.begin() as tx:
        found = changes.account_of(tx, name, since=begin, now=now, sees=_sees(caller))
    return ChangeAccountOut.model_validate(changes.document_of_account(found))


@router.get("/automations/{name}/history", operation_id="get_history")
def history(
    name: str,
    caller: Caller,
    db: Db,
    now: Now,
    at: Annotated[Moment | None, Query(description="The moment. Default: now.")] = None,
) -> LineMomentOut:
    """Show what was in force on a line at a moment, by whom and why, and the acts before and after."""
    caller.require(Permission.READ_AUTOMATIONS, name)
    with db.begin() as tx:
        found = changes.moment_of_line(tx, name, at or now, now=now, sees=_sees(caller))
    return LineMomentOut.model_validate(changes.document_of_moment(found))


def _sees(caller: Principal) -> Callable[[str], bool]:
    return lambda name: caller.may(Permission.READ_AUTOMATIONS, name)
