"""Timelines: notes on the history of alerts and incidents, and which incident an alert belongs to."""

from datetime import datetime
from uuid import UUID

from andon.alerts.domain import Alert
from andon.alerts.incidents import Incident, Note, NoteKind
from andon.alerts.store import incidents as store
from andon.cord import LineStateChanged
from andon.gates import GateRevised
from andon.kernel.db import Tx
from andon.kernel.identity import PLATFORM
from andon.kernel.ids import uuid7
from andon.monitors import Level


def note(
    tx: Tx,
    kind: NoteKind,
    message: str,
    by: str,
    now: datetime,
    *,
    alert: Alert | None = None,
    incident: UUID | None = None,
) -> Note:
    """Add a line to the timeline of an alert and of its incident, or of an incident. Return it."""
    about = incident if alert is None or alert.incident is None else alert.incident
    made = Note(uuid7(now), now, None if alert is None else alert.id, about, kind, by, message)
    store.add_note(tx, made)
    return made


def incident_for(tx: Tx, alert: Alert, now: datetime) -> UUID | None:
    """Return the incident of an alert with news: its automation's open one, or a new one if something critical stands.

    A drill has none.
    """
    if alert.drill is not None or not alert.automation:
        return None
    known = store.find_open(tx, alert.automation)
    if known is not None:
        return known.id
    if alert.standing_level is not Level.CRITICAL:
        return alert.incident
    made = Incident(uuid7(now), alert.automation, alert.title, alert.raised_at, now, PLATFORM.name, held=False)
    made = open_incident(tx, made, now)
    return made.id


def open_incident(tx: Tx, incident: Incident, now: datetime) -> Incident:
    """Write a new incident with its first note."""
    store.add(tx, incident)
    note(tx, NoteKind.OPENED, incident.title, incident.opened_by, now, incident=incident.id)
    return incident


def follow_cord(tx: Tx, change: LineStateChanged, *, automatic: bool, drill: bool) -> None:
    """Note a pull or release in the open incident, and when the line became automatic again."""
    if drill:
        return
    where = ", ".join(f"{name}={value}" for name, value in change.segment.items()) or "the line"
    incident = store.find_open(tx, change.automation)
    if incident is not None:
        message = f"{where}: {change.before} to {change.after}. {change.reason}"
        note(tx, NoteKind.CORD, message, change.by, change.at, incident=incident.id)
        if not automatic:
            store.change(tx, incident.id, held=True, restored_at=None)
    if automatic:
        for one in store.unrestored(tx, change.automation):
            store.change(tx, one.id, restored_at=change.at)


def follow_gate(tx: Tx, revised: GateRevised) -> None:
    """Note a revision of a gate in the open incident."""
    incident = store.find_open(tx, revised.automation)
    if incident is not None:
        before = "none" if revised.threshold_before is None else f"{revised.threshold_before:.4g}"
        message = f"{revised.arm}: confidence from {before} to {revised.threshold:.4g}. {revised.reason}"
        note(tx, NoteKind.GATE, message, revised.by, revised.at, incident=incident.id)
