"""Work on incidents: open, own, comment, and end with the cause stated. Every act is audited."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from andon import audit, cord, decisions
from andon.alerts import raising, timeline
from andon.alerts.errors import IncidentEnded, IncidentNotFound, IncidentUnderWay
from andon.alerts.incidents import Incident, Note, NoteKind
from andon.alerts.store import alerts as alert_store
from andon.alerts.store import incidents as store
from andon.cord import DRILL_FIELD
from andon.kernel import reasons
from andon.kernel.db import Tx
from andon.kernel.identity import Actor
from andon.kernel.ids import uuid7


def get_incident(tx: Tx, incident_id: UUID) -> Incident:
    """Return one incident. Raises IncidentNotFound."""
    found = store.find(tx, incident_id)
    if found is None:
        raise IncidentNotFound(f"No incident {incident_id}")
    return found


def list_incidents(
    tx: Tx,
    automations: Sequence[str] | None = None,
    *,
    is_open: bool | None = None,
    limit: int | None = 50,
    before: UUID | None = None,
) -> Sequence[Incident]:
    """Return incidents of these automations, or of all, newest first; without a limit, every one."""
    return store.page(
        tx, None if automations is None else tuple(automations), is_open=is_open, limit=limit, before=before
    )


def notes_of_incident(tx: Tx, incident_id: UUID) -> Sequence[Note]:
    """Return the timeline of an incident, oldest first."""
    return store.notes(tx, incident=incident_id)


def open_by_hand(tx: Tx, automation: str, *, title: str, actor: Actor, now: datetime) -> Incident:
    """Open an incident of an automation. Raises AutomationNotFound, IncidentUnderWay, ReasonInvalid."""
    about = reasons.require(title)
    decisions.require_deployed(tx, automation)
    raising.hold(tx, [automation])
    known = store.find_open(tx, automation)
    if known is not None:
        raise IncidentUnderWay(f"{automation} has incident {known.id} ({known.title}), which is open")
    held = any(DRILL_FIELD not in change.segment for change in cord.in_force(tx, automation))
    made = Incident(uuid7(now), automation, about, now, now, actor.name, held=held, owner=actor.name)
    timeline.open_incident(tx, made, now)
    _audit(tx, actor, "incident.open", made, now, about)
    return made


def comment(tx: Tx, incident_id: UUID, *, message: str, actor: Actor, now: datetime) -> Note:
    """Add a comment, even after the end. Raises IncidentNotFound, ReasonInvalid."""
    said = reasons.require(message)
    incident = get_incident(tx, incident_id)
    note = timeline.note(tx, NoteKind.COMMENT, said, actor.name, now, incident=incident_id)
    _audit(tx, actor, "incident.comment", incident, now, said)
    return note


def own(tx: Tx, incident_id: UUID, *, owner: str, actor: Actor, now: datetime) -> Incident:
    """Set the owner of an incident. Raises IncidentNotFound, IncidentEnded, ReasonInvalid."""
    name = reasons.require(owner)
    _living(tx, incident_id)
    incident = store.change(tx, incident_id, owner=name)
    timeline.note(tx, NoteKind.OWNER, f"{name} is working on it", actor.name, now, incident=incident_id)
    _audit(tx, actor, "incident.own", incident, now, None)
    return incident


def end(tx: Tx, incident_id: UUID, *, cause: str, actor: Actor, now: datetime) -> Incident:
    """End an incident with its cause. Raises IncidentNotFound, IncidentEnded, ReasonInvalid."""
    found = reasons.require(cause)
    _living(tx, incident_id)
    incident = store.change(tx, incident_id, cause=found, ended_by=actor.name, ended_at=now)
    timeline.note(tx, NoteKind.ENDED, found, actor.name, now, incident=incident_id)
    _audit(tx, actor, "incident.end", incident, now, found)
    return incident


def _living(tx: Tx, incident_id: UUID) -> Incident:
    """Return an open incident that no alert joins until the transaction ends."""
    alert_store.lock(tx, get_incident(tx, incident_id).automation)
    incident = get_incident(tx, incident_id)
    if incident.ended_at is not None:
        raise IncidentEnded(f"Incident {incident_id} was ended by {incident.ended_by}")
    return incident


def _audit(tx: Tx, actor: Actor, action: str, incident: Incident, now: datetime, reason: str | None) -> None:
    after = {"automation": incident.automation, "owner": incident.owner}
    audit.record(tx, actor=actor, action=action, subject=f"incident:{incident.id}", at=now, reason=reason, after=after)
