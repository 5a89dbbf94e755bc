"""Alerts: what became bad, since when and how sure; each with its two distributions and what people do about it."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form
from starlette.responses import Response

from andon import alerts, decisions
from andon.access import Permission
from andon.alerts import Alert, AlertFinding, AlertNotFound, AlertSelection, AlertState, Silenced, SilenceNotFound
from andon.console import notices
from andon.console.context import Console, Visitor
from andon.console.dependencies import Acting, Db, Here, Signed
from andon.console.distributions import HEIGHT, WIDTH, bins_of, others_of
from andon.console.errors import status_of
from andon.console.paging import PAGE, pager
from andon.kernel.db import Tx
from andon.kernel.errors import AndonError, Conflict, Invalid

router = APIRouter(prefix="/alerts")

SPANS = {"1 hour": 1, "4 hours": 4, "1 day": 24, "7 days": 168, "30 days": 720}
"""The spans of a silence made here, in hours."""


@router.get("")
def show_list(
    here: Here,
    visitor: Signed,
    tx: Db,
    state: str = "open",
    automation: str = "",
    before: UUID | None = None,
    done: str = "",
) -> Response:
    """Alerts, newest first: those that are open, or all."""
    scopes = visitor.scopes(Permission.READ_ALERTS)
    which = AlertSelection(
        automations=None if scopes is None else tuple(scopes),
        automation=automation or None,
        states=tuple(AlertState) if state == "all" else alerts.UNRESOLVED,
        drills=state == "all",
    )
    found, now = alerts.page(tx, which, limit=PAGE, before=before), here.clock.now()
    last = found[-1].id if found else None
    return here.pages.html(
        "alerts.html",
        visitor=visitor,
        section="/alerts",
        notice=notices.text(done),
        state=state,
        automation=automation,
        automations=[name for name in decisions.automations(tx) if scopes is None or name in scopes],
        alerts=found,
        silenced=alerts.silenced(tx, found, now),
        pager=pager("/alerts", {"state": state, "automation": automation}, shown=len(found), last=last, before=before),
    )


@router.get("/silences")
def show_silences(here: Here, visitor: Signed, tx: Db, done: str = "") -> Response:
    """Silences, newest first."""
    found = alerts.list_silences(tx, visitor.scopes(Permission.READ_ALERTS))
    return here.pages.html(
        "silences.html",
        visitor=visitor,
        section="/alerts",
        notice=notices.text(done),
        silences=found,
        now=here.clock.now(),
        may_end={one.id for one in found if visitor.may(Permission.WORK_ALERTS, one.which.automation)},
    )


@router.post("/silences/{silence_id}/end")
def end_silence(here: Here, visitor: Acting, silence_id: UUID, reason: Annotated[str, Form()] = "") -> Response:
    """End a silence before its time."""
    with here.database.begin() as tx:
        silence = alerts.get_silence(tx, silence_id)
        if not visitor.may(Permission.READ_ALERTS, silence.which.automation):
            raise SilenceNotFound(f"No silence {silence_id}")
        visitor.principal.require(Permission.WORK_ALERTS, silence.which.automation)
        alerts.end_silence(tx, silence_id, actor=visitor.principal.actor, reason=reason, now=here.clock.now())
    return notices.back_to("/alerts/silences", "silence-ended")


@router.get("/{alert_id}")
def show(here: Here, visitor: Signed, tx: Db, alert_id: UUID, done: str = "") -> Response:
    """One alert. Out of the visitor's scope it does not exist."""
    return _page(here, visitor, tx, alert_id, notice=notices.text(done))


@router.post("/{alert_id}/acknowledge")
def acknowledge(here: Here, visitor: Acting, alert_id: UUID, comment: Annotated[str, Form()] = "") -> Response:
    """Acknowledge it in the visitor's name."""

    def act(tx: Tx, alert: Alert, now: datetime) -> None:
        actor, said = visitor.principal.actor, comment.strip()
        alerts.acknowledge(tx, alert.id, actor=actor, events=here.events, now=now, comment=said)

    return _act(here, visitor, alert_id, act, "alert-acknowledged")


@router.post("/{alert_id}/resolve")
def resolve(here: Here, visitor: Acting, alert_id: UUID, reason: Annotated[str, Form()] = "") -> Response:
    """End it by hand."""

    def act(tx: Tx, alert: Alert, now: datetime) -> None:
        actor = visitor.principal.actor
        alerts.resolve(tx, alert.id, actor=actor, reason=reason, events=here.events, now=now)

    return _act(here, visitor, alert_id, act, "alert-resolved")


@router.post("/{alert_id}/silence")
def silence(
    here: Here,
    visitor: Acting,
    alert_id: UUID,
    what: Annotated[str, Form()] = "alert",
    span: Annotated[str, Form()] = "4 hours",
    reason: Annotated[str, Form()] = "",
) -> Response:
    """Silence this alert, its monitor, or its automation."""

    def act(tx: Tx, alert: Alert, now: datetime) -> None:
        which = {
            "alert": Silenced(alert.automation, alert.monitor, alert.series or None, alert.segment),
            "monitor": Silenced(alert.automation, alert.monitor),
        }.get(what, Silenced(alert.automation))
        until = now + timedelta(hours=SPANS.get(span, 4))
        alerts.silence(tx, which, until=until, reason=reason, actor=visitor.principal.actor, now=now)

    return _act(here, visitor, alert_id, act, "alert-silenced")


def _act(
    here: Console, visitor: Visitor, alert_id: UUID, act: Callable[[Tx, Alert, datetime], None], notice: str
) -> Response:
    try:
        with here.database.begin() as tx:
            alert = _seen(visitor, tx, alert_id)
            visitor.principal.require(Permission.WORK_ALERTS, alert.automation or None)
            act(tx, alert, here.clock.now())
    except (Invalid, Conflict) as error:
        with here.database.begin() as tx:
            return _page(here, visitor, tx, alert_id, problem=error)
    return notices.back_to(f"/alerts/{alert_id}", notice)


def _seen(visitor: Visitor, tx: Tx, alert_id: UUID) -> Alert:
    alert = alerts.get(tx, alert_id)
    if not visitor.may(Permission.READ_ALERTS, alert.automation or None):
        raise AlertNotFound(f"No alert {alert_id}")
    return alert


def _listed(alert: Alert) -> Sequence[AlertFinding]:
    """Return the findings, the worst first and those that recovered last."""
    standing = alert.standing
    return (*standing, *(one for one in alert.findings if one not in standing))


def _page(
    here: Console,
    visitor: Visitor,
    tx: Tx,
    alert_id: UUID,
    *,
    notice: str | None = None,
    problem: AndonError | None = None,
) -> Response:
    alert, now = _seen(visitor, tx, alert_id), here.clock.now()
    values: dict[str, Any] = {
        "alert": alert,
        "findings": [(one, alerts.sure(one), bins_of(one.detail), others_of(one.detail)) for one in _listed(alert)],
        "width": WIDTH,
        "height": HEIGHT,
        "decisions": alerts.decisions_path(alert, now),
        "silence": alerts.silenced(tx, [alert], now).get(alert_id),
        "timeline": alerts.notes_of(tx, alert_id),
        "spans": SPANS,
        "may_work": visitor.may(Permission.WORK_ALERTS, alert.automation or None),
        "may_read_line": visitor.may(Permission.READ_AUTOMATIONS, alert.automation or None),
    }
    return here.pages.html(
        "alert.html",
        status=200 if problem is None else status_of(problem),
        visitor=visitor,
        section="/alerts",
        notice=notice,
        problem=problem,
        **values,
    )
