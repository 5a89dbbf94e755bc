"""SQL about silences."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, insert, or_, select, update

from andon.alerts.silences import Silence, Silenced
from andon.alerts.tables import alert_silences
from andon.kernel.db import Tx


def add(tx: Tx, silence: Silence) -> None:
    """Write a new silence."""
    tx.execute(
        insert(alert_silences).values(
            id=silence.id,
            automation=silence.which.automation,
            monitor=silence.which.monitor,
            series=silence.which.series,
            segment=None if silence.which.segment is None else dict(silence.which.segment),
            reason=silence.reason,
            made_by=silence.made_by,
            made_at=silence.made_at,
            ends_at=silence.ends_at,
        )
    )


def in_force(tx: Tx, now: datetime) -> list[Silence]:
    """Return every silence in force at a moment, earliest end first."""
    c = alert_silences.c
    query = select(alert_silences).where(c.ends_at > now, c.ended_at.is_(None))
    return [_silence(row) for row in tx.execute(query.order_by(c.ends_at, c.id))]


def page(tx: Tx, automations: tuple[str, ...] | None, *, limit: int) -> list[Silence]:
    """Return silences, newest first; of these automations and of none, or (None) all."""
    c = alert_silences.c
    query = select(alert_silences)
    if automations is not None:
        query = query.where(or_(c.automation.in_(automations), c.automation.is_(None)))
    return [_silence(row) for row in tx.execute(query.order_by(c.id.desc()).limit(limit))]


def find(tx: Tx, silence_id: UUID) -> Silence | None:
    """Return one silence, or None."""
    row = tx.execute(select(alert_silences).where(alert_silences.c.id == silence_id)).one_or_none()
    return None if row is None else _silence(row)


def end(tx: Tx, silence_id: UUID, by: str, now: datetime) -> bool:
    """End a silence early; return False if it is no longer in force."""
    c = alert_silences.c
    ending = update(alert_silences).where(c.id == silence_id, c.ended_at.is_(None), c.ends_at > now)
    return tx.execute(ending.values(ended_by=by, ended_at=now)).rowcount == 1


def _silence(row: Row[Any]) -> Silence:
    return Silence(
        id=row.id,
        which=Silenced(row.automation, row.monitor, row.series, row.segment),
        reason=row.reason,
        made_by=row.made_by,
        made_at=row.made_at,
        ends_at=row.ends_at,
        ended_by=row.ended_by,
        ended_at=row.ended_at,
    )
