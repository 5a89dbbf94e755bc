"""All SQL about deliveries, beyond the outbox itself. Never commits."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from andon.actions.domain import AnswerKind, Attempt, Disabled
from andon.actions.tables import delivery_answers, delivery_attempts, disabled_destinations
from andon.kernel.db import Tx


def add_begun(tx: Tx, begun: Sequence[tuple[UUID, Attempt]]) -> None:
    """Write attempts (each with its message's id) that are about to be made."""
    rows = [{"id": a.id, "message_id": message, "number": a.number, "began_at": a.began_at} for message, a in begun]
    tx.execute(insert(delivery_attempts), rows)


def add_answers(tx: Tx, ended: Sequence[Attempt]) -> None:
    """Write how attempts ended."""
    rows = [
        {"attempt_id": a.id, "ended_at": a.ended_at, "kind": a.kind, "status": a.status, "detail": a.detail}
        for a in ended
    ]
    if rows:
        tx.execute(insert(delivery_answers), rows)


def attempts_of(tx: Tx, message_id: UUID) -> list[Attempt]:
    """All attempts at one message, oldest first."""
    joined = delivery_attempts.outerjoin(delivery_answers, delivery_answers.c.attempt_id == delivery_attempts.c.id)
    query = (
        select(delivery_attempts, delivery_answers)
        .select_from(joined)
        .where(delivery_attempts.c.message_id == message_id)
        .order_by(delivery_attempts.c.id)
    )
    return [
        Attempt(
            id=row.id,
            number=row.number,
            began_at=row.began_at,
            ended_at=row.ended_at,
            kind=None if row.kind is None else AnswerKind(row.kind),
            status=row.status,
            detail=row.detail or "",
        )
        for row in tx.execute(query)
    ]


def disable(tx: Tx, destination: Disabled) -> bool:
    """Send nothing to a destination any more. False if it was disabled already."""
    values = {"name": destination.name, "disabled_at": destination.disabled_at, "reason": destination.reason}
    statement = upsert(disabled_destinations).values(values).on_conflict_do_nothing()
    return tx.execute(statement).rowcount == 1


def enable(tx: Tx, name: str) -> bool:
    """Send to a destination again. False if it was not disabled."""
    statement = delete(disabled_destinations).where(disabled_destinations.c.name == name)
    return tx.execute(statement).rowcount == 1


def disabled(tx: Tx) -> dict[str, Disabled]:
    """All disabled destinations by name."""
    rows = tx.execute(select(disabled_destinations).order_by(disabled_destinations.c.name))
    return {row.name: Disabled(row.name, row.disabled_at, row.reason) for row in rows}
