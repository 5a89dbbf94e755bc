"""All SQL about requested verifications."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, insert, or_, select, update

from andon.audit.domain import Verification
from andon.audit.tables import verifications
from andon.kernel.db import Tx

OPEN_SQL = (
    "EXISTS (SELECT FROM verifications "
    "WHERE ended_at IS NULL AND coalesce(claimed_until, '-infinity') < clock_timestamp())"
)
"""An SQL expression: whether a verification is to be done."""

_v = verifications.c
_COLUMNS = [_v[name] for name in Verification.__dataclass_fields__]


def add(tx: Tx, identifier: UUID, asked_by: str, anchor: bytes | None, now: datetime) -> None:
    """Ask for a verification."""
    values = {"id": identifier, "asked_by": asked_by, "anchor": anchor, "asked_at": now}
    tx.execute(insert(verifications).values(**values, attempts=0, entries_read=0))


def find(tx: Tx, identifier: UUID) -> Verification | None:
    """Return one verification, or None."""
    row = tx.execute(select(*_COLUMNS).where(_v.id == identifier)).one_or_none()
    return None if row is None else Verification(**row._asdict())


def find_open(tx: Tx, anchor: bytes | None) -> Verification | None:
    """Return the oldest verification with an anchor that has not ended, or None."""
    same = _v.anchor.is_(None) if anchor is None else _v.anchor == anchor
    row = tx.execute(select(*_COLUMNS).where(_v.ended_at.is_(None), same).order_by(_v.id).limit(1)).one_or_none()
    return None if row is None else Verification(**row._asdict())


def count_open(tx: Tx) -> int:
    """Count the verifications that have not ended."""
    return tx.execute(select(func.count()).where(_v.ended_at.is_(None))).scalar_one()


def claim(tx: Tx, now: datetime, until: datetime) -> Verification | None:
    """Claim the oldest verification that has not ended and that no worker holds."""
    free = or_(_v.claimed_until.is_(None), _v.claimed_until < now)
    due = select(_v.id).where(_v.ended_at.is_(None), free).order_by(_v.id).limit(1).with_for_update(skip_locked=True)
    values = {"claimed_until": until, "started_at": now, "attempts": _v.attempts + 1, "entries_read": 0}
    row = tx.execute(update(verifications).where(_v.id.in_(due)).values(values).returning(*_COLUMNS)).one_or_none()
    return None if row is None else Verification(**row._asdict())


def note(tx: Tx, identifier: UUID, entries_read: int, until: datetime) -> None:
    """Record the progress of a verification, and extend its claim."""
    tx.execute(update(verifications).where(_v.id == identifier).values(entries_read=entries_read, claimed_until=until))


def give_back(tx: Tx, identifier: UUID, until: datetime) -> None:
    """Let a verification be tried again after a moment; this attempt does not count."""
    values = {"attempts": _v.attempts - 1, "claimed_until": until}
    tx.execute(update(verifications).where(_v.id == identifier).values(values))


def end(tx: Tx, identifier: UUID, now: datetime, *, report: Mapping[str, Any] | None, error: str | None) -> None:
    """End a verification with its report or its error."""
    values = {"ended_at": now, "claimed_until": None, "report": report, "error": error}
    tx.execute(update(verifications).where(_v.id == identifier).values(values))


def forget(tx: Tx, before: datetime) -> None:
    """Delete those that ended before a moment."""
    tx.execute(delete(verifications).where(_v.ended_at < before))
