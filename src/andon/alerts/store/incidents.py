"""SQL about incidents and the notes of timelines."""

from dataclasses import fields
from typing import Any
from uuid import UUID

from sqlalchemy import insert, or_, select, update

from andon.alerts.incidents import Incident, Note, NoteKind
from andon.alerts.tables import alert_notes, incidents
from andon.kernel.db import Tx


def add(tx: Tx, incident: Incident) -> None:
    """Write a new incident."""
    tx.execute(insert(incidents).values({field.name: getattr(incident, field.name) for field in fields(incident)}))


def find(tx: Tx, incident_id: UUID) -> Incident | None:
    """Return one incident, or None."""
    row = tx.execute(select(incidents).where(incidents.c.id == incident_id)).one_or_none()
    return None if row is None else Incident(**row._mapping)


def find_open(tx: Tx, automation: str) -> Incident | None:
    """Return the open incident of an automation; lock the automation first."""
    query = select(incidents).where(incidents.c.automation == automation, incidents.c.ended_at.is_(None))
    row = tx.execute(query).one_or_none()
    return None if row is None else Incident(**row._mapping)


def unrestored(tx: Tx, automation: str) -> list[Incident]:
    """Return the incidents of an automation whose line is not automatic again."""
    c = incidents.c
    query = select(incidents).where(c.automation == automation, c.held, c.restored_at.is_(None))
    return [Incident(**row._mapping) for row in tx.execute(query)]


def change(tx: Tx, incident_id: UUID, **values: Any) -> Incident:
    """Change some columns of an incident."""
    row = tx.execute(update(incidents).where(incidents.c.id == incident_id).values(values).returning(incidents)).one()
    return Incident(**row._mapping)


def page(
    tx: Tx, automations: tuple[str, ...] | None, *, is_open: bool | None, limit: int | None, before: UUID | None = None
) -> list[Incident]:
    """Return incidents, newest first."""
    c, query = incidents.c, select(incidents)
    if automations is not None:
        query = query.where(c.automation.in_(automations))
    if is_open is not None:
        query = query.where(c.ended_at.is_(None) if is_open else c.ended_at.is_not(None))
    if before is not None:
        query = query.where(c.id < before)
    return [Incident(**row._mapping) for row in tx.execute(query.order_by(c.id.desc()).limit(limit))]


def add_note(tx: Tx, note: Note) -> None:
    """Write one line of a timeline."""
    tx.execute(
        insert(alert_notes).values(
            id=note.id,
            at=note.at,
            alert=note.alert,
            incident=note.incident,
            kind=note.kind,
            made_by=note.by,
            message=note.message,
        )
    )


def notes(tx: Tx, *, alert: UUID | None = None, incident: UUID | None = None) -> list[Note]:
    """Return the timeline of an alert, or of an incident, oldest first."""
    c = alert_notes.c
    wanted = [column == value for column, value in ((c.alert, alert), (c.incident, incident)) if value is not None]
    rows = tx.execute(select(alert_notes).where(or_(*wanted)).order_by(c.at, c.number))
    return [Note(row.id, row.at, row.alert, row.incident, NoteKind(row.kind), row.made_by, row.message) for row in rows]
