"""Use cases of alerts: read, acknowledge, resolve and silence them. Every act is audited."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from andon import audit, cord
from andon.alerts import raising, timeline
from andon.alerts.bad_news import OVER_ONCE_KNOWN
from andon.alerts.domain import Alert, AlertState
from andon.alerts.errors import AlertNotFound, AlertResolvedAlready, SilenceNotFound
from andon.alerts.incidents import Note, NoteKind
from andon.alerts.silences import Silence, Silenced, check_silence, silence_of
from andon.alerts.store import alerts as store
from andon.alerts.store import incidents as notes_store
from andon.alerts.store import silences as silence_store
from andon.alerts.store.alerts import AlertSelection
from andon.kernel import reasons
from andon.kernel.db import Tx
from andon.kernel.events import Events
from andon.kernel.identity import Actor
from andon.kernel.ids import uuid7

UNRESOLVED = (AlertState.OPEN, AlertState.ACKNOWLEDGED)


def get(tx: Tx, alert_id: UUID) -> Alert:
    """Return one alert. Raises AlertNotFound."""
    found = store.find(tx, alert_id)
    if found is None:
        raise AlertNotFound(f"No alert {alert_id}")
    return found


def page(tx: Tx, which: AlertSelection, *, limit: int = 50, before: UUID | None = None) -> Sequence[Alert]:
    """Return alerts, newest first."""
    return store.page(tx, which, limit=limit, before=before)


def at_moment(tx: Tx, automation: str, moment: datetime, given: Mapping[str, Any]) -> Sequence[Alert]:
    """Return the alerts that concerned an input at a moment: those of the whole line and of the input's segments."""
    return [one for one in store.at_moment(tx, automation, moment) if cord.belongs(given, one.segment)]


def count_open(tx: Tx, automations: Sequence[str] | None, now: datetime) -> int:
    """Count the alerts not acknowledged, resolved or silenced, in these automations or (None) in all."""
    wanted = AlertSelection(None if automations is None else tuple(automations), states=(AlertState.OPEN,))
    silences = silence_store.in_force(tx, now)
    if not silences:
        return store.count(tx, wanted)
    return sum(silence_of(alert, silences, now) is None for alert in store.page(tx, wanted, limit=None))


def notes_of(tx: Tx, alert_id: UUID) -> Sequence[Note]:
    """Return the timeline of an alert, oldest first."""
    return notes_store.notes(tx, alert=alert_id)


def acknowledge(tx: Tx, alert_id: UUID, *, actor: Actor, events: Events, now: datetime, comment: str = "") -> Alert:
    """Acknowledge an alert; a repeat changes nothing. An alert whose cause is already corrected ends.

    Raises AlertNotFound, AlertResolvedAlready, ReasonInvalid.
    """
    known = _locked(tx, alert_id)
    if known.acknowledged_at is not None:
        return known
    said = reasons.require(comment) if comment else "acknowledged"
    alert = replace(known, acknowledged_by=actor.name, acknowledged_at=now)
    store.change(tx, [alert_id], acknowledged_by=actor.name, acknowledged_at=now)
    timeline.note(tx, NoteKind.ACKNOWLEDGED, said, actor.name, now, alert=alert)
    if alert.monitor in OVER_ONCE_KNOWN:
        alert = raising.resolved(tx, alert, by=actor.name, reason=said, events=events, now=now)
    _audit(tx, actor, "alert.acknowledge", f"alert:{alert_id}", now, comment or None, {"alert": alert.title})
    return alert


def resolve(tx: Tx, alert_id: UUID, *, actor: Actor, reason: str, events: Events, now: datetime) -> Alert:
    """End an alert by hand; it is raised again if it is seen again.

    Raises AlertNotFound, AlertResolvedAlready, ReasonInvalid.
    """
    why = reasons.require(reason)
    alert = raising.resolved(tx, _locked(tx, alert_id), by=actor.name, reason=why, events=events, now=now)
    _audit(tx, actor, "alert.resolve", f"alert:{alert_id}", now, why, {"alert": alert.title})
    return alert


def list_silences(tx: Tx, automations: Sequence[str] | None = None, *, limit: int = 100) -> Sequence[Silence]:
    """Return silences, newest first, ended ones included; of these automations and of none, or (None) all."""
    return silence_store.page(tx, None if automations is None else tuple(automations), limit=limit)


def silenced(tx: Tx, found: Sequence[Alert], now: datetime) -> Mapping[UUID, Silence]:
    """Return the silences that currently hold back some of these alerts, by the alert's id."""
    silences = silence_store.in_force(tx, now)
    holding = ((alert.id, silence_of(alert, silences, now)) for alert in found)
    return {alert_id: silence for alert_id, silence in holding if silence is not None}


def get_silence(tx: Tx, silence_id: UUID) -> Silence:
    """Return one silence. Raises SilenceNotFound."""
    found = silence_store.find(tx, silence_id)
    if found is None:
        raise SilenceNotFound(f"No silence {silence_id}")
    return found


def silence(tx: Tx, which: Silenced, *, until: datetime, reason: str, actor: Actor, now: datetime) -> Silence:
    """Hold back alerts until a moment.

    They are still raised, shown, and pull the cord. Raises SilenceInvalid.
    """
    check_silence(which, until, reason, now)
    made = Silence(uuid7(now), which, reason.strip(), actor.name, now, until)
    silence_store.add(tx, made)
    after = {**_shown(which), "until": until.isoformat()}
    _audit(tx, actor, "silence.make", f"silence:{made.id}", now, made.reason, after)
    return made


def end_silence(tx: Tx, silence_id: UUID, *, actor: Actor, reason: str, now: datetime) -> Silence:
    """End a silence early; alerts that it held back and that are still open are sent now.

    Raises SilenceNotFound, ReasonInvalid.
    """
    why = reasons.require(reason)
    if not silence_store.end(tx, silence_id, actor.name, now):
        raise SilenceNotFound(f"No active silence {silence_id}")
    ended = get_silence(tx, silence_id)
    store.wake_groups(tx, ended.which.automation, now)
    _audit(tx, actor, "silence.end", f"silence:{silence_id}", now, why, _shown(ended.which))
    return ended


def _locked(tx: Tx, alert_id: UUID) -> Alert:
    """Return an unresolved alert, locked until the transaction ends."""
    raising.hold(tx, [get(tx, alert_id).automation])
    known = get(tx, alert_id)
    if known.resolved_at is not None:
        raise AlertResolvedAlready(f"Alert {alert_id} was resolved by {known.resolved_by} ({known.resolution})")
    return known


def _shown(which: Silenced) -> dict[str, Any]:
    parts = {
        "automation": which.automation,
        "monitor": which.monitor,
        "series": which.series,
        "segment": None if which.segment is None else dict(which.segment),
    }
    return {name: value for name, value in parts.items() if value is not None}


def _audit(
    tx: Tx, actor: Actor, action: str, subject: str, now: datetime, reason: str | None, after: Mapping[str, Any]
) -> None:
    audit.record(tx, actor=actor, action=action, subject=subject, at=now, reason=reason, after=after)
