"""Dead events: events that could not be decided, and how they were settled."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, select, update

from andon.kernel.db import Tx
from andon.kernel.errors import Fault
from andon.streams.domain import DeadEvent, DeadState, StreamKey
from andon.streams.tables import dead_events


def find(tx: Tx, event_id: UUID, *, lock: bool = False) -> DeadEvent | None:
    """Return one dead event, or None."""
    query = select(dead_events).where(dead_events.c.id == event_id)
    row = tx.execute(query.with_for_update() if lock else query).one_or_none()
    return None if row is None else _dead(row)


def page(
    tx: Tx,
    state: DeadState,
    *,
    automations: Sequence[str] | None,
    stream: str | None,
    limit: int,
    before: UUID | None,
    preview: int,
) -> list[DeadEvent]:
    """Return dead events in one state, newest first, with the first `preview` bytes of their data."""
    d = dead_events.c
    columns = [func.substring(d.data, 1, preview).label("data") if column is d.data else column for column in d]
    query = select(*columns).where(d.state == state)
    if automations is not None:
        query = query.where(d.automation.in_(automations))
    if stream is not None:
        query = query.where(d.stream == stream)
    if before is not None:
        query = query.where(d.id < before)
    return [_dead(row) for row in tx.execute(query.order_by(d.id.desc()).limit(limit))]


def count(tx: Tx, automations: Sequence[str] | None) -> dict[StreamKey, int]:
    """Return how many dead events wait for a person, by stream."""
    d = dead_events.c
    query = select(d.automation, d.stream, func.count().label("n")).where(d.state == DeadState.DEAD)
    if automations is not None:
        query = query.where(d.automation.in_(automations))
    return {StreamKey(row.automation, row.stream): row.n for row in tx.execute(query.group_by(d.automation, d.stream))}


def settle(tx: Tx, event: DeadEvent) -> None:
    """Record how a dead event was settled."""
    tx.execute(
        update(dead_events)
        .where(dead_events.c.id == event.id)
        .values(
            state=event.state,
            settled_at=event.settled_at,
            settled_by=event.settled_by,
            settle_reason=event.settle_reason,
            decision_id=event.decision_id,
        )
    )


def revive(tx: Tx, event_id: UUID, reason: str, faults: Sequence[Fault]) -> None:
    """Mark a resent event as dead again."""
    told = [{"where": fault.where, "message": fault.message} for fault in faults]
    tx.execute(
        update(dead_events)
        .where(dead_events.c.id == event_id)
        .values(
            state=DeadState.DEAD,
            reason=reason,
            faults=told,
            settled_at=None,
            settled_by=None,
            settle_reason=None,
            decision_id=None,
            published=False,
        )
    )


def publish(tx: Tx, limit: int) -> dict[StreamKey, list[UUID]]:
    """Mark dead events as published, except those being marked elsewhere; return their ids by stream, oldest first."""
    d = dead_events.c
    chosen = select(d.id).where(d.published.is_(False)).limit(limit).with_for_update(skip_locked=True)
    marked = update(dead_events).where(d.id.in_(chosen)).values(published=True)
    found: dict[StreamKey, list[UUID]] = {}
    for row in sorted(tx.execute(marked.returning(d.id, d.automation, d.stream))):
        found.setdefault(StreamKey(row.automation, row.stream), []).append(row.id)
    return found


def _dead(row: Row[Any]) -> DeadEvent:
    values = row._asdict()
    values.pop("published", None)
    faults = [Fault(fault["where"], fault["message"]) for fault in values.pop("faults")]
    return DeadEvent(**{**values, "state": DeadState(values["state"]), "faults": faults, "data": bytes(values["data"])})
