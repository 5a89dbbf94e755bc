"""SQL about accepted requests that wait to be decided."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, insert, or_, select, text, update

from andon.decisions.domain import DecisionRequest, WaitingRequest
from andon.decisions.tables import intake
from andon.kernel.db import Tx

_ACCEPT_ALL = text("""
INSERT INTO intake (id, automation, raw, caller, correlation_id, traceparent, idempotency_key, received_at, notify)
SELECT * FROM unnest(
    CAST(:ids AS uuid[]), CAST(:automations AS text[]), CAST(:raws AS bytea[]), CAST(:callers AS text[]),
    CAST(:correlation_ids AS text[]), CAST(:traceparents AS text[]), CAST(:keys AS text[]),
    CAST(:times AS timestamptz[]), CAST(:notified AS text[])
)
""")

IS_WAITING = "EXISTS (SELECT FROM intake WHERE error IS NULL)"
"""An SQL expression: whether a request waits to be decided."""

_WAITING = [intake.c[name] for name in WaitingRequest.__dataclass_fields__]


def accept(tx: Tx, values: Mapping[str, Any]) -> None:
    """Put a request into the intake."""
    tx.execute(insert(intake).values(**values))


def accept_all(tx: Tx, requests: Sequence[DecisionRequest]) -> None:
    """Put requests into the intake."""
    if not requests:
        return
    columns = {
        "ids": [request.id for request in requests],
        "automations": [request.automation for request in requests],
        "raws": [request.raw for request in requests],
        "callers": [request.caller for request in requests],
        "correlation_ids": [request.correlation_id for request in requests],
        "traceparents": [request.traceparent for request in requests],
        "keys": [None if request.idempotency is None else request.idempotency.key for request in requests],
        "times": [request.asked_at for request in requests],
        "notified": [request.notify for request in requests],
    }
    tx.execute(_ACCEPT_ALL, columns)


def find(tx: Tx, decision_id: UUID) -> WaitingRequest | None:
    """Return the intake row of a request that is not decided yet, or None."""
    row = tx.execute(select(*_WAITING).where(intake.c.id == decision_id)).one_or_none()
    return None if row is None else WaitingRequest(**row._asdict())


def claim(
    tx: Tx, automations: Sequence[str], *, limit: int, now: datetime, lease: timedelta, suspect: bool = False
) -> list[WaitingRequest]:
    """Take the oldest waiting requests of these automations: those never taken before; with `suspect`, the others."""
    free = or_(intake.c.claimed_until.is_(None), intake.c.claimed_until < now)
    taken = intake.c.attempts > 0 if suspect else intake.c.attempts == 0
    due = (
        select(intake.c.id)
        .where(free, taken, intake.c.error.is_(None), intake.c.automation.in_(automations))
        .order_by(intake.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    claimed = {"claimed_until": now + lease, "attempts": intake.c.attempts + 1}
    statement = update(intake).where(intake.c.id == due.c.id).values(claimed).returning(*_WAITING)
    return sorted((WaitingRequest(**row._asdict()) for row in tx.execute(statement)), key=lambda taken: taken.id)


def keep_claimed(tx: Tx, ids: Sequence[UUID], until: datetime) -> None:
    """Extend the lease of requests."""
    tx.execute(update(intake).where(intake.c.id.in_(ids), intake.c.error.is_(None)).values(claimed_until=until))


def give_back(tx: Tx, ids: Sequence[UUID]) -> None:
    """Free requests that were taken and not tried; the attempt does not count."""
    fewer = func.greatest(intake.c.attempts - 1, 0)
    tx.execute(update(intake).where(intake.c.id.in_(ids)).values(claimed_until=None, attempts=fewer))


def fail(tx: Tx, decision_id: UUID, error: str, now: datetime) -> WaitingRequest | None:
    """Record why a waiting request can never be decided; return the request, None if it no longer waits."""
    statement = (
        update(intake)
        .where(intake.c.id == decision_id, intake.c.error.is_(None))
        .values(error=error, claimed_until=None, failed_at=now)
        .returning(*_WAITING)
    )
    row = tx.execute(statement).one_or_none()
    return None if row is None else WaitingRequest(**row._asdict())


def withdraw(tx: Tx, decision_id: UUID) -> None:
    """Delete a waiting request."""
    tx.execute(delete(intake).where(intake.c.id == decision_id))


def forget_failed(tx: Tx, before: datetime) -> int:
    """Delete requests that failed before a moment; return how many."""
    return tx.execute(delete(intake).where(intake.c.failed_at < before)).rowcount


def count(tx: Tx) -> int:
    """Return how many requests wait to be decided."""
    return tx.execute(select(func.count()).select_from(intake).where(intake.c.error.is_(None))).scalar_one()
