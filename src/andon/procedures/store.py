"""All SQL about procedures, except their runs. Takes and returns domain objects; never commits."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert

from andon.kernel import durable
from andon.kernel.db import Tx
from andon.kernel.durable import OVER, RunState
from andon.procedures.domain import ProcedureEvent, ProcedureRecord, StepAttempt, Version, Wait
from andon.procedures.tables import procedure_attempts as attempts
from andon.procedures.tables import procedure_events as events
from andon.procedures.tables import procedure_versions as versions
from andon.procedures.tables import procedure_waits as waits
from andon.procedures.tables import procedures

_others = attempts.alias("others")
_OWN = [column for column in procedures.c if column is not procedures.c.entered]
"""The columns of a procedure's start, which never change."""


def add(tx: Tx, procedure: ProcedureRecord) -> bool:
    """Write a new procedure; return False if its id exists already."""
    values = {column.name: getattr(procedure, column.name) for column in _OWN}
    statement = insert(procedures).values(values).on_conflict_do_nothing().returning(procedures.c.id)
    return tx.execute(statement).one_or_none() is not None


def find(tx: Tx, procedure_id: UUID) -> ProcedureRecord | None:
    """Return one procedure with its run, or None."""
    row = tx.execute(select(procedures).where(procedures.c.id == procedure_id)).one_or_none()
    return None if row is None else _with_runs(tx, [row])[0]


def facts(tx: Tx, procedure_id: UUID) -> tuple[ProcedureRecord, dict[int, int]] | None:
    """Return the start of an execution in one query: the procedure without its run, and failures by step."""
    failed = (
        select(func.json_object_agg(attempts.c.step, attempts.c.number))
        .where(attempts.c.procedure_id == procedure_id)
        .where(
            attempts.c.number
            == select(func.max(_others.c.number))
            .where(_others.c.procedure_id == procedure_id, _others.c.step == attempts.c.step)
            .scalar_subquery()
        )
        .scalar_subquery()
    )
    row = tx.execute(select(procedures, failed.label("failed")).where(procedures.c.id == procedure_id)).one_or_none()
    if row is None:
        return None
    return _procedure(row), {int(step): number for step, number in (row.failed or {}).items()}


def of_decision(tx: Tx, decision_id: UUID) -> list[ProcedureRecord]:
    """Return the procedures that a decision started, oldest first."""
    query = select(procedures).where(procedures.c.decision_id == decision_id).order_by(procedures.c.id)
    return _with_runs(tx, tx.execute(query).all())


def page(
    tx: Tx,
    *,
    automations: Sequence[str] | None,
    state: RunState | None,
    name: str | None,
    limit: int,
    before: UUID | None,
) -> list[ProcedureRecord]:
    """Return procedures, newest first."""
    query = select(procedures)
    if automations is not None:
        query = query.where(procedures.c.automation.in_(automations))
    if name is not None:
        query = query.where(procedures.c.name == name)
    if state is not None:
        query = query.where(durable.in_state(procedures.c.id, state))
    if before is not None:
        query = query.where(procedures.c.id < before)
    return _with_runs(tx, tx.execute(query.order_by(procedures.c.id.desc()).limit(limit)).all())


def see_versions(tx: Tx, seen: Iterable[Version]) -> None:
    """Record the versions that a process has the code of."""
    for version in seen:
        statement = insert(versions).values(asdict(version))
        changed = {"retired": statement.excluded.retired, "seen_at": statement.excluded.seen_at}
        tx.execute(statement.on_conflict_do_update(index_elements=["name", "version"], set_=changed))


def current_version(tx: Tx, name: str) -> str | None:
    """Return the version of a name that was seen last, which new procedures use."""
    query = select(versions.c.version).where(versions.c.name == name, versions.c.retired.is_(False))
    return tx.execute(query.order_by(versions.c.seen_at.desc()).limit(1)).scalar()


def add_event(tx: Tx, procedure_id: UUID, event: ProcedureEvent) -> ProcedureEvent:
    """Write an event, and return it; or return the existing one with its key."""
    values = {**asdict(event), "procedure_id": procedure_id}
    tx.execute(insert(events).values(values).on_conflict_do_nothing(index_elements=["procedure_id", "key"]))
    query = select(events).where(events.c.procedure_id == procedure_id, events.c.key == event.key)
    return _event(tx.execute(query).one())


def take_event(tx: Tx, procedure_id: UUID, name: str, step: int) -> ProcedureEvent | None:
    """Return a step's event, or assign it the oldest free one of a name."""
    query = (
        select(events)
        .where(
            events.c.procedure_id == procedure_id,
            events.c.name == name,
            or_(events.c.taken_by == step, events.c.taken_by.is_(None)),
        )
        .order_by(events.c.taken_by.nulls_last(), events.c.id)
        .limit(1)
    )
    row = tx.execute(query).one_or_none()
    if row is None:
        return None
    tx.execute(update(events).where(events.c.id == row.id).values(taken_by=step))
    return _event(row)


def events_of(tx: Tx, procedure_id: UUID) -> list[ProcedureEvent]:
    """Return all events that were sent to a procedure, oldest first."""
    query = select(events).where(events.c.procedure_id == procedure_id).order_by(events.c.id)
    return [_event(row) for row in tx.execute(query)]


def begin_wait(tx: Tx, procedure_id: UUID, wait: Wait, *, message_id: UUID | None = None) -> Wait:
    """Return the wait of a step, as recorded when it began."""
    values = {**asdict(wait), "procedure_id": procedure_id, "message_id": message_id}
    tx.execute(insert(waits).values(values).on_conflict_do_nothing())
    query = select(waits).where(waits.c.procedure_id == procedure_id, waits.c.step == wait.step)
    return _wait(tx.execute(query).one())


def end_wait(tx: Tx, procedure_id: UUID, step: int) -> None:
    """End the wait of a step."""
    tx.execute(update(waits).where(waits.c.procedure_id == procedure_id, waits.c.step == step).values(over=True))


def waits_of(tx: Tx, procedure_ids: Sequence[UUID]) -> dict[UUID, list[Wait]]:
    """Return the waits of procedures' steps, past and present."""
    query = select(waits).where(waits.c.procedure_id.in_(procedure_ids)).order_by(waits.c.step)
    found: dict[UUID, list[Wait]] = {procedure_id: [] for procedure_id in procedure_ids}
    for row in tx.execute(query):
        found[row.procedure_id].append(_wait(row))
    return found


def settled_deliveries(tx: Tx) -> list[UUID]:
    """Return and mark the procedures whose awaited delivery has ended, so that each is found once."""
    found = tx.execute(
        text(
            "UPDATE procedure_waits w SET over = TRUE FROM outbox o "
            "WHERE o.id = w.message_id AND NOT w.over AND w.message_id IS NOT NULL AND o.state <> 'pending' "
            "RETURNING w.procedure_id"
        )
    )
    return list(found.scalars())


def add_attempt(tx: Tx, procedure_id: UUID, attempt: StepAttempt) -> None:
    """Record a failed attempt."""
    tx.execute(insert(attempts).values({**asdict(attempt), "procedure_id": procedure_id}).on_conflict_do_nothing())


def attempts_of(tx: Tx, procedure_id: UUID) -> list[StepAttempt]:
    """Return the failed attempts at a procedure's steps, oldest first."""
    query = select(attempts).where(attempts.c.procedure_id == procedure_id)
    return [
        StepAttempt(row.step, row.name, row.number, row.began_at, row.ended_at, row.error)
        for row in tx.execute(query.order_by(attempts.c.step, attempts.c.number))
    ]


def copy_until(tx: Tx, old: UUID, new: UUID, step: int) -> None:
    """Copy the waits and failed attempts of the steps before `step` to a fork."""
    before = {"old": old, "new": new, "step": step}
    tx.execute(
        text(
            "INSERT INTO procedure_waits (procedure_id, step, what, began_at, until, over) "
            "SELECT :new, step, what, began_at, until, TRUE "
            "FROM procedure_waits WHERE procedure_id = :old AND step < :step"
        ),
        before,
    )
    tx.execute(
        text(
            "INSERT INTO procedure_attempts (procedure_id, step, name, number, began_at, ended_at, error) "
            "SELECT :new, step, name, number, began_at, ended_at, error "
            "FROM procedure_attempts WHERE procedure_id = :old AND step < :step"
        ),
        before,
    )


def take_ended(tx: Tx, limit: int) -> list[UUID]:
    """Mark ended procedures that are not entered yet as entered, and return them."""
    p = procedures.c
    ended = durable.in_state(p.id, *sorted(OVER))
    query = select(p.id).where(~p.entered, ended).order_by(p.id).limit(limit).with_for_update(skip_locked=True)
    ids = list(tx.execute(query).scalars())
    if ids:
        tx.execute(update(procedures).where(p.id.in_(ids)).values(entered=True))
    return ids


def ended_before(tx: Tx, moment: datetime | None) -> list[UUID]:
    """Return the procedures that must be in an entry: marked as entered, or ended before this moment."""
    p = procedures.c
    marked = list(tx.execute(select(p.id).where(p.entered)).scalars())
    if moment is None:
        return marked
    left = list(tx.execute(select(p.id).where(~p.entered)).scalars())
    ended = [
        run.id
        for first in range(0, len(left), 1000)
        for run in durable.find(tx, left[first : first + 1000]).values()
        if run.state in OVER and (run.ended_at is None or run.ended_at < moment)
    ]
    return [*marked, *ended]


def histories(tx: Tx, procedure_ids: Sequence[UUID]) -> dict[UUID, str]:
    """Return the records of procedures apart from their runs, as text: start, events, failed attempts."""
    rows = tx.execute(
        text(
            "SELECT p.id, jsonb_build_array(p.name, p.version, p.automation, p.decision_id, p.input::text, p.verdict, "
            "p.correlation_id, p.started_at, p.forked_from, p.forked_at_step, "
            "(SELECT jsonb_agg(jsonb_build_array(e.id, e.name, e.key, e.data::text, e.sent_by, e.sent_at, e.taken_by) "
            "ORDER BY e.id) FROM procedure_events e WHERE e.procedure_id = p.id), "
            "(SELECT jsonb_agg(jsonb_build_array(a.step, a.number, a.name, a.began_at, a.ended_at, a.error) "
            "ORDER BY a.step, a.number) FROM procedure_attempts a WHERE a.procedure_id = p.id))::text AS history "
            "FROM procedures p WHERE p.id = ANY(CAST(:ids AS uuid[]))"
        ),
        {"ids": [str(one) for one in procedure_ids]},
    )
    return {row.id: row.history for row in rows}


def _with_runs(tx: Tx, rows: Sequence[Row[Any]]) -> list[ProcedureRecord]:
    runs = durable.find(tx, [row.id for row in rows]) if rows else {}
    return [replace(_procedure(row), run=runs.get(row.id)) for row in rows]


def _procedure(row: Row[Any]) -> ProcedureRecord:
    return ProcedureRecord(**{column.name: row._mapping[column.name] for column in _OWN})


def _event(row: Row[Any]) -> ProcedureEvent:
    return ProcedureEvent(row.id, row.name, row.key, row.data, row.sent_by, row.sent_at, row.taken_by)


def _wait(row: Row[Any]) -> Wait:
    return Wait(row.step, row.what, row.began_at, row.until, row.over)
