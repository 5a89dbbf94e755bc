"""SQL about drills."""

from dataclasses import fields
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert

from andon.alerts.drills import Drill
from andon.alerts.tables import cord_drills
from andon.kernel.db import Tx


def add(tx: Tx, drill: Drill) -> bool:
    """Write a new drill; return False if one of its automation is under way."""
    values = {field.name: getattr(drill, field.name) for field in fields(drill)}
    statement = insert(cord_drills).values(values).on_conflict_do_nothing().returning(cord_drills.c.id)
    return tx.execute(statement).one_or_none() is not None


def find(tx: Tx, drill_id: UUID) -> Drill | None:
    """Return one drill, or None."""
    row = tx.execute(select(cord_drills).where(cord_drills.c.id == drill_id)).one_or_none()
    return None if row is None else Drill(**row._mapping)


def under_way(tx: Tx, drill_id: UUID | None = None) -> list[Drill]:
    """Return the drills under way; hold the automation to change one."""
    c = cord_drills.c
    query = select(cord_drills).where(c.ended_at.is_(None))
    if drill_id is not None:
        query = query.where(c.id == drill_id)
    return [Drill(**row._mapping) for row in tx.execute(query.order_by(c.id))]


def change(tx: Tx, drill_id: UUID, **values: Any) -> Drill:
    """Change some columns of a drill."""
    row = tx.execute(
        update(cord_drills).where(cord_drills.c.id == drill_id).values(values).returning(cord_drills)
    ).one()
    return Drill(**row._mapping)


def page(tx: Tx, automation: str, *, limit: int) -> list[Drill]:
    """Return the drills of an automation, newest first."""
    c = cord_drills.c
    query = select(cord_drills).where(c.automation == automation).order_by(c.began_at.desc(), c.id.desc())
    return [Drill(**row._mapping) for row in tx.execute(query.limit(limit))]


def last_began(tx: Tx) -> dict[str, datetime]:
    """Return when the last drill of each automation began."""
    c = cord_drills.c
    return {
        row.automation: row.at
        for row in tx.execute(select(c.automation, func.max(c.began_at).label("at")).group_by(c.automation))
    }
