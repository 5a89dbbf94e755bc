"""All SQL about sessions; never commits."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, insert, or_, select, update

from andon.console.tables import console_sessions as sessions
from andon.kernel.db import Tx


def add(tx: Tx, session_id: bytes, key_id: UUID, now: datetime) -> None:
    """Write a new session."""
    tx.execute(insert(sessions).values(id=session_id, key_id=key_id, started_at=now, seen_at=now))


def find(tx: Tx, session_id: bytes) -> tuple[UUID, datetime, datetime] | None:
    """Whose session it is, when it started and when it was last seen."""
    row = tx.execute(select(sessions).where(sessions.c.id == session_id)).one_or_none()
    return None if row is None else (row.key_id, row.started_at, row.seen_at)


def touch(tx: Tx, session_id: bytes, now: datetime) -> None:
    """Note that a session is in use."""
    tx.execute(update(sessions).where(sessions.c.id == session_id).values(seen_at=now))


def remove(tx: Tx, session_id: bytes) -> None:
    """End one session."""
    tx.execute(delete(sessions).where(sessions.c.id == session_id))


def remove_stale(tx: Tx, *, seen_before: datetime, started_before: datetime) -> None:
    """Forget the sessions that have run out."""
    tx.execute(delete(sessions).where(or_(sessions.c.seen_at < seen_before, sessions.c.started_at < started_before)))
