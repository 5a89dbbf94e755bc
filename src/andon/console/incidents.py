"""Incidents, on which people work until the line is restored and the cause is known, each with its timeline."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form
from starlette.responses import Response

from andon import alerts, decisions
from andon.access import Permission
from andon.alerts import AlertSelection, Incident, IncidentNotFound
from andon.console import notices
from andon.console.context import Console, Visitor
from andon.console.dependencies import Acting, Db, Here, Signed
from andon.console.errors import status_of
from andon.console.paging import PAGE, pager
from andon.kernel.db import Tx
from andon.kernel.errors import AndonError, Conflict, Invalid

router = APIRouter(prefix="/incidents")


@router.get("")
def show_list(here: Here, visitor: Signed, tx: Db, before: UUID | None = None, done: str = "") -> Response:
    """Incidents, newest first."""
    scopes = visitor.scopes(Permission.READ_ALERTS)
    found = alerts.list_incidents(tx, scopes, limit=PAGE, before=before)
    last = found[-1].id if found else None
    works = visitor.principal.scopes(Permission.WORK_ALERTS)
    return here.pages.html(
        "incidents.html",
        visitor=visitor,
        section="/alerts",
        notice=notices.text(done),
        incidents=found,
        automations=_automations(tx, works),
        pager=pager("/incidents", {}, shown=len(found), last=last, before=before),
    )


@router.post("")
def open_incident(
    here: Here, visitor: Acting, automation: Annotated[str, Form()] = "", title: Annotated[str, Form()] = ""
) -> Response:
    """Open an incident by hand."""
    visitor.principal.require(Permission.WORK_ALERTS, automation)
    with here.database.begin() as tx:
        made = alerts.open_by_hand(tx, automation, title=title, actor=visitor.principal.actor, now=here.clock.now())
    return notices.back_to(f"/incidents/{made.id}", "incident-opened")


@router.get("/{incident_id}")
def show(here: Here, visitor: Signed, tx: Db, incident_id: UUID, done: str = "") -> Response:
    """One incident. Out of the visitor's scope it does not exist."""
    return _page(here, visitor, tx, incident_id, notice=notices.text(done))


@router.post("/{incident_id}/comment")
def comment(here: Here, visitor: Acting, incident_id: UUID, message: Annotated[str, Form()] = "") -> Response:
    """Add a line to the timeline."""

    def act(tx: Tx, now: datetime) -> None:
        alerts.comment(tx, incident_id, message=message, actor=visitor.principal.actor, now=now)

    return _act(here, visitor, incident_id, act, "incident-commented")


@router.post("/{incident_id}/own")
def own(here: Here, visitor: Acting, incident_id: UUID, owner: Annotated[str, Form()] = "") -> Response:
    """Set the owner of an incident, the visitor by default."""

    def act(tx: Tx, now: datetime) -> None:
        name = owner.strip() or visitor.principal.name
        alerts.own(tx, incident_id, owner=name, actor=visitor.principal.actor, now=now)

    return _act(here, visitor, incident_id, act, "incident-owned")


@router.post("/{incident_id}/end")
def end(here: Here, visitor: Acting, incident_id: UUID, cause: Annotated[str, Form()] = "") -> Response:
    """End it with its cause."""

    def act(tx: Tx, now: datetime) -> None:
        alerts.end(tx, incident_id, cause=cause, actor=visitor.principal.actor, now=now)

    return _act(here, visitor, incident_id, act, "incident-ended")


def _act(
    here: Console, visitor: Visitor, incident_id: UUID, act: Callable[[Tx, datetime], None], notice: str
) -> Response:
    try:
        with here.database.begin() as tx:
            incident = _seen(visitor, tx, incident_id)
            visitor.principal.require(Permission.WORK_ALERTS, incident.automation)
            act(tx, here.clock.now())
    except (Invalid, Conflict) as error:
        with here.database.begin() as tx:
            return _page(here, visitor, tx, incident_id, problem=error)
    return notices.back_to(f"/incidents/{incident_id}", notice)


def _seen(visitor: Visitor, tx: Tx, incident_id: UUID) -> Incident:
    incident = alerts.get_incident(tx, incident_id)
    if not visitor.may(Permission.READ_ALERTS, incident.automation):
        raise IncidentNotFound(f"No incident {incident_id}")
    return incident


def _automations(tx: Tx, works: list[str] | None) -> list[str]:
    """Return the automations whose incidents the visitor may open."""
    return [name for name in decisions.automations(tx) if works is None or name in works]


def _page(
    here: Console,
    visitor: Visitor,
    tx: Tx,
    incident_id: UUID,
    *,
    notice: str | None = None,
    problem: AndonError | None = None,
) -> Response:
    incident = _seen(visitor, tx, incident_id)
    return here.pages.html(
        "incident.html",
        status=200 if problem is None else status_of(problem),
        visitor=visitor,
        section="/alerts",
        notice=notice,
        problem=problem,
        incident=incident,
        alerts=alerts.page(tx, AlertSelection(incident=incident_id), limit=200),
        timeline=alerts.notes_of_incident(tx, incident_id),
        may_work=visitor.may(Permission.WORK_ALERTS, incident.automation),
        may_read_line=visitor.may(Permission.READ_AUTOMATIONS, incident.automation),
    )
