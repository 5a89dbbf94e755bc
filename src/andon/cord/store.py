"""All SQL about line states. Never commits."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, insert, select, text
from sqlalchemy.dialects.postgresql import distinct_on

from andon.cord.domain import LineState, LineStateChange, Segment
from andon.cord.tables import line_states
from andon.kernel.db import Tx

_LOCK = 0x636F7264
"""First key of the advisory lock on an automation's cord."""


def lock(tx: Tx, automation: str) -> None:
    """Let one transaction at a time change the states of this automation."""
    tx.execute(text("SELECT pg_advisory_xact_lock(:key, hashtext(:name))"), {"key": _LOCK, "name": automation})


def in_force(tx: Tx, automation: str | None = None) -> list[LineStateChange]:
    """Return the last change of each segment, of one automation or of all."""
    c = line_states.c
    query = select(line_states).ext(distinct_on(c.automation, c.segment))
    if automation is not None:
        query = query.where(c.automation == automation)
    return [_change(row) for row in tx.execute(query.order_by(c.automation, c.segment, c.number.desc()))]


def last_number(tx: Tx, automation: str) -> int:
    """Return the number of the newest change; 0 if there is none."""
    c = line_states.c
    query = select(c.number).where(c.automation == automation).order_by(c.number.desc()).limit(1)
    return tx.execute(query).scalar_one_or_none() or 0


def history(tx: Tx, automation: str, limit: int | None) -> Sequence[LineStateChange]:
    """Return the changes of one automation, newest first."""
    c = line_states.c
    query = select(line_states).where(c.automation == automation).order_by(c.number.desc()).limit(limit)
    return [_change(row) for row in tx.execute(query)]


def add(tx: Tx, change: LineStateChange) -> None:
    """Write one change; lock the automation first."""
    tx.execute(
        insert(line_states).values(
            automation=change.automation,
            number=change.number,
            segment=dict(change.segment),
            before=change.before,
            after=change.after,
            set_by=change.by,
            reason=change.reason,
            set_at=change.at,
        )
    )


def _change(row: Row[Any]) -> LineStateChange:
    segment: Segment = row.segment
    return LineStateChange(
        automation=row.automation,
        number=row.number,
        segment=segment,
        before=LineState(row.before),
        after=LineState(row.after),
        by=row.set_by,
        reason=row.reason,
        at=row.set_at,
    )
