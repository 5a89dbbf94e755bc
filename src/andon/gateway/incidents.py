"""Routes of incidents, which people work on until the line has recovered and the cause is known."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from andon import alerts
from andon.access import Permission, Principal
from andon.alerts import AlertSelection, Incident, IncidentNotFound
from andon.gateway.alerts import AlertNoteOut, AlertOut, shown, visible
from andon.gateway.dependencies import Caller, Db, Now
from andon.gateway.reasons import Reason
from andon.kernel.db import Tx

router = APIRouter(prefix="/v1/incidents", tags=["alerts"])

_ALERTS = 200


class IncidentOut(BaseModel):
    """One incident of an automation."""

    id: UUID
    automation: str
    title: str
    detected_at: datetime = Field(description="When its first alert was raised.")
    opened_at: datetime
    opened_by: str
    owner: str | None
    held: bool = Field(description="Whether the cord was pulled during it.")
    recovered_at: datetime | None = Field(
        description="When the line was automatic again; if its cord was never pulled, when the incident ended."
    )
    recovery_seconds: float | None = Field(description="From detection to recovery; null while it lasts.")
    cause: str | None
    ended_by: str | None
    ended_at: datetime | None


class IncidentDetailOut(IncidentOut):
    """An incident with its alerts and its timeline."""

    alerts: list[AlertOut]
    timeline: list[AlertNoteOut]


class IncidentsOut(BaseModel):
    """A page of incidents; `next` is the `before` of the following page."""

    incidents: list[IncidentOut]
    next: UUID | None


class IncidentIn(BaseModel):
    """A new incident."""

    model_config = ConfigDict(extra="forbid")

    automation: str = Field(max_length=63)
    title: Reason


class CommentIn(BaseModel):
    """A comment on an incident."""

    model_config = ConfigDict(extra="forbid")

    message: Reason


class OwnIn(BaseModel):
    """The owner of an incident."""

    model_config = ConfigDict(extra="forbid")

    owner: str | None = Field(None, max_length=200, description="The caller, if left out.")


class EndIn(BaseModel):
    """The cause of an incident."""

    model_config = ConfigDict(extra="forbid")

    cause: Reason


@router.get("", operation_id="list_incidents")
def index(
    caller: Caller,
    db: Db,
    automation: str | None = None,
    is_open: Annotated[
        bool | None, Query(alias="open", description="True for open incidents only, false for ended ones only.")
    ] = None,
    before: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> IncidentsOut:
    """List the incidents that the caller may see, newest first."""
    caller.require_anywhere(Permission.READ_ALERTS)
    scopes = visible(caller)
    if automation is not None:
        scopes = (automation,) if scopes is None or automation in scopes else ()
    with db.begin() as tx:
        found = alerts.list_incidents(tx, scopes, is_open=is_open, limit=limit, before=before)
    return IncidentsOut(
        incidents=[IncidentOut(**_shown(one)) for one in found], next=found[-1].id if len(found) == limit else None
    )


@router.post("", status_code=201, operation_id="open_incident")
def open_incident(wanted: IncidentIn, caller: Caller, db: Db, now: Now) -> IncidentDetailOut:
    """Open an incident by hand; critical alerts open one by themselves."""
    caller.require(Permission.WORK_ALERTS, wanted.automation)
    with db.begin() as tx:
        made = alerts.open_by_hand(tx, wanted.automation, title=wanted.title, actor=caller.actor, now=now)
        return _whole(tx, made, now)


@router.get("/{incident_id}", operation_id="get_incident")
def show(incident_id: UUID, caller: Caller, db: Db, now: Now) -> IncidentDetailOut:
    """Show one incident with its timeline."""
    with db.begin() as tx:
        return _whole(tx, _seen(tx, incident_id, caller), now)


@router.post("/{incident_id}/comment", operation_id="comment_incident")
def comment(incident_id: UUID, said: CommentIn, caller: Caller, db: Db, now: Now) -> IncidentDetailOut:
    """Add a comment to the timeline of an incident, even after it has ended."""
    with db.begin() as tx:
        _require(tx, incident_id, caller)
        alerts.comment(tx, incident_id, message=said.message, actor=caller.actor, now=now)
        return _whole(tx, alerts.get_incident(tx, incident_id), now)


@router.post("/{incident_id}/own", operation_id="own_incident")
def own(incident_id: UUID, said: OwnIn, caller: Caller, db: Db, now: Now) -> IncidentDetailOut:
    """Set the owner of an incident."""
    with db.begin() as tx:
        _require(tx, incident_id, caller)
        owner = said.owner or caller.name
        return _whole(tx, alerts.own(tx, incident_id, owner=owner, actor=caller.actor, now=now), now)


@router.post("/{incident_id}/end", operation_id="end_incident")
def end(incident_id: UUID, said: EndIn, caller: Caller, db: Db, now: Now) -> IncidentDetailOut:
    """End an incident with its cause."""
    with db.begin() as tx:
        _require(tx, incident_id, caller)
        return _whole(tx, alerts.end(tx, incident_id, cause=said.cause, actor=caller.actor, now=now), now)


def _seen(tx: Tx, incident_id: UUID, caller: Principal) -> Incident:
    incident = alerts.get_incident(tx, incident_id)
    if not caller.may(Permission.READ_ALERTS, incident.automation):
        raise IncidentNotFound(f"No incident {incident_id}")
    return incident


def _require(tx: Tx, incident_id: UUID, caller: Principal) -> None:
    caller.require(Permission.WORK_ALERTS, _seen(tx, incident_id, caller).automation)


def _shown(one: Incident) -> dict[str, object]:
    recovery = one.recovery
    return {
        **{name: getattr(one, name) for name in IncidentOut.model_fields if name != "recovery_seconds"},
        "recovery_seconds": None if recovery is None else recovery.total_seconds(),
    }


def _whole(tx: Tx, incident: Incident, now: datetime) -> IncidentDetailOut:
    found = alerts.page(tx, AlertSelection(incident=incident.id), limit=_ALERTS)
    notes = alerts.notes_of_incident(tx, incident.id)
    return IncidentDetailOut.model_validate(
        {
            **_shown(incident),
            "alerts": [AlertOut(**shown(one, now)) for one in found],
            "timeline": [AlertNoteOut.of(note) for note in notes],
        }
    )
