"""Routes of alerts: list them, show one with its timeline, acknowledge and resolve."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from andon import alerts
from andon.access import Permission, Principal
from andon.alerts import Alert, AlertNotFound, AlertSelection, AlertState, Note, NoteKind
from andon.gateway.dependencies import Bus, Caller, Db, Now
from andon.gateway.reasons import Why
from andon.kernel.db import Tx
from andon.kernel.reasons import LONGEST
from andon.monitors import Level

router = APIRouter(prefix="/v1/alerts", tags=["alerts"])


class AlertNoteOut(BaseModel):
    """One entry of a timeline."""

    at: datetime
    kind: NoteKind
    by: str
    message: str

    @classmethod
    def of(cls, note: Note) -> "AlertNoteOut":
        """Return a note as the API shows it."""
        return cls(at=note.at, kind=note.kind, by=note.by, message=note.message)


class DecisionsBehindOut(BaseModel):
    """The filter for `GET /v1/decisions` that selects the decisions behind an alert."""

    automation: str
    since: datetime
    until: datetime
    segment: dict[str, Any]


class AlertFindingOut(BaseModel):
    """One series of an alert, from its first sighting until it recovers."""

    series: str = Field(description="A feature, a class, a rule; empty if there is only one.")
    level: Level
    provisional: bool
    since: datetime = Field(description="Estimated start of the change.")
    found_at: datetime
    last_seen_at: datetime
    count: int = Field(description="How often it was seen.")
    message: str
    expected: float | None
    observed: float | None
    unit: str
    false_alarm: float | None = Field(
        description="Upper bound on the probability that an unchanged line causes such a breach."
    )
    decisions: int = Field(description="Number of decisions behind it.")
    ended_at: datetime | None = Field(description="When it recovered.")


class FindingDetailOut(AlertFindingOut):
    """A finding with the distributions behind it."""

    detail: dict[str, Any]


class AlertOut(BaseModel):
    """What is wrong in one place, from its first finding until it is resolved."""

    id: UUID
    title: str
    automation: str = Field(description="Empty if it concerns no automation.")
    monitor: str
    series: str = Field(description="Empty if the findings of several series are gathered.")
    segment: dict[str, Any] = Field(description="Fields of the contract and their values; empty for the whole line.")
    arm: str
    level: Level = Field(description="The highest one that was reached.")
    provisional: bool = Field(
        description="Whether it may be part of the line's own rhythm: it is not sent, and pulls no cord."
    )
    state: AlertState
    message: str
    since: datetime = Field(description="Estimated start of the change.")
    raised_at: datetime
    last_seen_at: datetime
    count: int = Field(description="How often it was seen.")
    findings: list[AlertFindingOut]
    done: list[str] = Field(description="What Andon has already done about it.")
    group: UUID = Field(description="Alerts with the same group are sent together.")
    incident: UUID | None
    drill: bool = Field(description="Whether it belongs to a drill, so that nothing is wrong.")
    acknowledged_by: str | None
    acknowledged_at: datetime | None
    resolved_by: str | None
    resolved_at: datetime | None
    resolution: str | None
    shown_decisions: DecisionsBehindOut


class AlertDetailOut(AlertOut):
    """An alert with the distributions behind it, its timeline and the silence that keeps it from being sent."""

    findings: list[FindingDetailOut]  # type: ignore[assignment]
    timeline: list[AlertNoteOut]
    silenced_until: datetime | None


class AlertsOut(BaseModel):
    """A page of alerts; `next` is the `before` of the following page."""

    alerts: list[AlertOut]
    next: UUID | None


class AcknowledgeIn(BaseModel):
    """The comment of an acknowledgement."""

    model_config = ConfigDict(extra="forbid")

    comment: str = Field("", max_length=LONGEST)


@router.get("", operation_id="list_alerts")
def index(
    caller: Caller,
    db: Db,
    now: Now,
    automation: str | None = None,
    state: Annotated[
        list[AlertState] | None, Query(description="May be repeated. Default: open and acknowledged.")
    ] = None,
    level: Level | None = None,
    monitor: str | None = None,
    drills: Annotated[bool, Query(description="Whether to list alerts of drills as well.")] = False,
    before: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> AlertsOut:
    """List the alerts that the caller may see, newest first."""
    caller.require_anywhere(Permission.READ_ALERTS)
    which = AlertSelection(
        visible(caller),
        automation,
        tuple(state) if state else alerts.UNRESOLVED,
        level,
        (monitor,) if monitor else None,
        drills,
    )
    with db.begin() as tx:
        found = alerts.page(tx, which, limit=limit, before=before)
    return AlertsOut(
        alerts=[AlertOut(**shown(one, now)) for one in found], next=found[-1].id if len(found) == limit else None
    )


@router.get("/{alert_id}", operation_id="get_alert")
def show(alert_id: UUID, caller: Caller, db: Db, now: Now) -> AlertDetailOut:
    """Show one alert."""
    with db.begin() as tx:
        return _whole(tx, seen(tx, alert_id, caller), now)


@router.post("/{alert_id}/acknowledge", operation_id="acknowledge_alert")
def acknowledge(alert_id: UUID, said: AcknowledgeIn, caller: Caller, db: Db, bus: Bus, now: Now) -> AlertDetailOut:
    """Acknowledge an alert. It is not sent again unless its level rises."""
    with db.begin() as tx:
        caller.require(Permission.WORK_ALERTS, seen(tx, alert_id, caller).automation or None)
        done = alerts.acknowledge(tx, alert_id, actor=caller.actor, events=bus, now=now, comment=said.comment)
        return _whole(tx, done, now)


@router.post("/{alert_id}/resolve", operation_id="resolve_alert")
def resolve(alert_id: UUID, why: Why, caller: Caller, db: Db, bus: Bus, now: Now) -> AlertDetailOut:
    """Resolve an alert by hand. If the breach is seen again, a new alert is raised."""
    with db.begin() as tx:
        caller.require(Permission.WORK_ALERTS, seen(tx, alert_id, caller).automation or None)
        return _whole(tx, alerts.resolve(tx, alert_id, actor=caller.actor, reason=why.reason, events=bus, now=now), now)


def visible(caller: Principal) -> tuple[str, ...] | None:
    """Return the automations whose alerts the caller may see; None for all."""
    scopes = caller.scopes(Permission.READ_ALERTS)
    return None if scopes is None else tuple(scopes)


def seen(tx: Tx, alert_id: UUID, caller: Principal) -> Alert:
    """Return an alert that the caller may see. Raises AlertNotFound."""
    alert = alerts.get(tx, alert_id)
    if not caller.may(Permission.READ_ALERTS, alert.automation or None):
        raise AlertNotFound(f"No alert {alert_id}")
    return alert


def shown(alert: Alert, now: datetime) -> dict[str, Any]:
    """Return the fields of an alert as the API shows them."""
    names = AlertOut.model_fields.keys() - {"drill", "group", "shown_decisions", "segment", "done", "findings"}
    return {
        **{name: getattr(alert, name) for name in names},
        "segment": dict(alert.segment),
        "done": list(alert.done),
        "findings": [asdict(one) for one in alert.findings],
        "group": alert.alert_group,
        "drill": alert.drill is not None,
        "shown_decisions": alerts.decisions_of(alert, now),
    }


def _whole(tx: Tx, alert: Alert, now: datetime) -> AlertDetailOut:
    silence = alerts.silenced(tx, [alert], now).get(alert.id)
    return AlertDetailOut(
        **shown(alert, now),
        timeline=[AlertNoteOut.of(note) for note in alerts.notes_of(tx, alert.id)],
        silenced_until=None if silence is None else silence.ends_at,
    )
