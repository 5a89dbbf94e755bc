"""Routes of silences, which keep alerts from being sent for a while; they are still raised and shown."""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictFloat, StrictInt, StrictStr

from andon import alerts
from andon.access import Permission
from andon.alerts import Silence, Silenced, SilenceNotFound
from andon.gateway.alerts import visible
from andon.gateway.dependencies import Caller, Db, Now, ZonedMoment
from andon.gateway.reasons import Reason, Why

router = APIRouter(prefix="/v1/silences", tags=["alerts"])


class SilenceOut(BaseModel):
    """A silence: which alerts are not sent, until when and why. A part that is null matches every alert."""

    id: UUID
    automation: str | None
    monitor: str | None
    series: str | None
    segment: dict[str, str | bool | int | float] | None
    reason: str
    made_by: str
    made_at: datetime
    until: datetime
    ended_by: str | None
    ended_at: datetime | None
    in_force: bool


class SilenceIn(BaseModel):
    """The alerts that are not sent, until when and why. At least one part must narrow them."""

    model_config = ConfigDict(extra="forbid")

    automation: str | None = Field(None, max_length=63, description="Null for all; that needs a role in all.")
    monitor: str | None = Field(None, max_length=200)
    series: str | None = Field(None, max_length=200, description="A feature, a class, a rule, an arm, a destination.")
    segment: dict[str, StrictStr | StrictBool | StrictInt | StrictFloat] | None = Field(
        None, max_length=8, description="Alerts of exactly this segment; `{}` means alerts of the whole line."
    )
    until: ZonedMoment
    reason: Reason


@router.get("", operation_id="list_silences")
def index(caller: Caller, db: Db, now: Now) -> list[SilenceOut]:
    """List the newest silences, including ended ones."""
    caller.require_anywhere(Permission.READ_ALERTS)
    scopes = visible(caller)
    with db.begin() as tx:
        return [_shown(one, now) for one in alerts.list_silences(tx, scopes)]


@router.post("", status_code=201, operation_id="create_silence")
def make(wanted: SilenceIn, caller: Caller, db: Db, now: Now) -> SilenceOut:
    """Keep alerts from being sent. They are still raised and shown, and still pull the cord."""
    caller.require(Permission.WORK_ALERTS, wanted.automation)
    which = Silenced(wanted.automation, wanted.monitor, wanted.series, wanted.segment)
    with db.begin() as tx:
        made = alerts.silence(tx, which, until=wanted.until, reason=wanted.reason, actor=caller.actor, now=now)
    return _shown(made, now)


@router.post("/{silence_id}/end", operation_id="end_silence")
def end(silence_id: UUID, why: Why, caller: Caller, db: Db, now: Now) -> SilenceOut:
    """End a silence early. Alerts that it held back and that are still open are sent now."""
    with db.begin() as tx:
        automation = alerts.get_silence(tx, silence_id).which.automation
        if not caller.may(Permission.READ_ALERTS, automation):
            raise SilenceNotFound(f"No silence {silence_id}")
        caller.require(Permission.WORK_ALERTS, automation)
        return _shown(alerts.end_silence(tx, silence_id, actor=caller.actor, reason=why.reason, now=now), now)


def _shown(one: Silence, now: datetime) -> SilenceOut:
    return SilenceOut(
        id=one.id,
        automation=one.which.automation,
        monitor=one.which.monitor,
        series=one.which.series,
        segment=None if one.which.segment is None else dict(one.which.segment),
        reason=one.reason,
        made_by=one.made_by,
        made_at=one.made_at,
        until=one.ends_at,
        ended_by=one.ended_by,
        ended_at=one.ended_at,
        in_force=one.holds(now),
    )
