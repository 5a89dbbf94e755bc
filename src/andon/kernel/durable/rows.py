"""The rows of runs in DBOS's own tables, read and changed in the caller's transaction; all such SQL is here.

DBOS keeps one row per run (`workflow_status`) and one per finished step (`operation_outputs`). A waiting run is
DELAYED; the transaction that writes the awaited result makes it ENQUEUED. DBOS is pinned to a minor release, and
`tests/contract/durable` compares each of these statements with what DBOS itself does.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Text, cast, column, exists, select, table, text

from andon.kernel.db import Tx
from andon.kernel.durable.domain import OF_LIBRARY, OVER, DurableRun, RunState, StepRecord

SCHEMA = "andon_durable"
"""The schema of DBOS's tables, in the same database as everything else. DBOS creates them at its first launch."""

_STATUS = f"{SCHEMA}.workflow_status"
_STEPS = f"{SCHEMA}.operation_outputs"
_NOW_MS = "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)"
_WORDS = {state: word for word, state in OF_LIBRARY.items()}
_OPEN = ", ".join(f"'{word}'" for word, state in OF_LIBRARY.items() if state not in OVER)
_COLUMNS = "workflow_uuid, name, status, executor_id, updated_at, completed_at, delay_until_epoch_ms"


def is_set_up(tx: Tx) -> bool:
    """Return whether there can be runs at all: whether DBOS has created its tables."""
    return tx.execute(text(f"SELECT to_regclass('{_STATUS}') IS NOT NULL")).scalar_one() is True


def hold(tx: Tx, run_id: UUID, *, owner: str | None = None) -> RunState | None:
    """Lock a run's row until the transaction ends. Return its state; None if it is missing or has another owner."""
    mine = "" if owner is None else "AND owner_xid = :owner AND status = 'PENDING'"
    query = f"SELECT status FROM {_STATUS} WHERE workflow_uuid = :id {mine} FOR UPDATE"
    status = tx.execute(text(query), {"id": str(run_id), "owner": owner}).scalar()
    return None if status is None else OF_LIBRARY[status]


def park(tx: Tx, run_id: UUID, *, until: datetime) -> None:
    """Let a held run wait. Its finished steps count as progress, so the count of its recoveries starts again."""
    tx.execute(
        text(
            f"UPDATE {_STATUS} SET status = 'DELAYED', delay_until_epoch_ms = :until, owner_xid = NULL, "
            "executor_id = NULL, "
            f"started_at_epoch_ms = NULL, recovery_attempts = 0, updated_at = {_NOW_MS} WHERE workflow_uuid = :id"
        ),
        {"id": str(run_id), "until": int(until.timestamp() * 1000)},
    )


def wake(tx: Tx, run_ids: Sequence[UUID]) -> int:
    """Let waiting runs continue. Return how many were waiting; any other run looks for itself before it waits.

    Hold the row before writing the awaited result: then either the run sees the result, or this call sees it waiting.
    """
    if not run_ids:
        return 0
    return tx.execute(
        text(
            f"UPDATE {_STATUS} SET status = 'ENQUEUED', delay_until_epoch_ms = NULL, updated_at = {_NOW_MS} "
            "WHERE workflow_uuid = ANY(:ids) AND status = 'DELAYED'"
        ),
        {"ids": [str(run_id) for run_id in run_ids]},
    ).rowcount


def cancel(tx: Tx, run_id: UUID) -> bool:
    """Stop a run; a step under way is finished. Return False if the run is over or already cancelled."""
    return (
        tx.execute(
            text(
                f"UPDATE {_STATUS} SET status = 'CANCELLED', owner_xid = NULL, queue_name = NULL, deduplication_id "
                "= NULL, "
                f"started_at_epoch_ms = NULL, updated_at = {_NOW_MS}, completed_at = {_NOW_MS} "
                "WHERE workflow_uuid = :id AND status IN ('ENQUEUED', 'PENDING', 'DELAYED')"
            ),
            {"id": str(run_id)},
        ).rowcount
        == 1
    )


def resume(tx: Tx, run_id: UUID) -> bool:
    """Let a cancelled or exhausted run continue after its last step. Return False if it is neither."""
    return (
        tx.execute(
            text(
                f"UPDATE {_STATUS} SET status = 'ENQUEUED', queue_name = name, owner_xid = NULL, "
                "recovery_attempts = 0, "
                "workflow_deadline_epoch_ms = NULL, deduplication_id = NULL, delay_until_epoch_ms = NULL, "
                f"started_at_epoch_ms = NULL, updated_at = {_NOW_MS}, completed_at = NULL "
                "WHERE workflow_uuid = :id AND status IN ('CANCELLED', 'MAX_RECOVERY_ATTEMPTS_EXCEEDED')"
            ),
            {"id": str(run_id)},
        ).rowcount
        == 1
    )


def fork(tx: Tx, run_id: UUID, new_id: UUID, *, flow: str, from_step: int) -> None:
    """Begin a new run on the code of `flow`, as if it had performed the steps before `from_step`."""
    values = {"old": str(run_id), "new": str(new_id), "flow": flow, "step": from_step}
    tx.execute(
        text(
            f"INSERT INTO {_STATUS} (workflow_uuid, status, name, queue_name, application_version, application_id, "
            "serialization, "
            "application_name, forked_from, priority, recovery_attempts) "
            "SELECT :new, 'ENQUEUED', :flow, :flow, application_version, application_id, serialization, "
            f"application_name, :old, 0, 0 FROM {_STATUS} WHERE workflow_uuid = :old"
        ),
        values,
    )
    tx.execute(
        text(
            f"INSERT INTO {SCHEMA}.workflow_input (workflow_uuid, inputs) "
            f"SELECT :new, inputs FROM {SCHEMA}.workflow_input WHERE workflow_uuid = :old"
        ),
        values,
    )
    copied = (
        "output, error, serialization, function_name, child_workflow_id, started_at_epoch_ms, completed_at_epoch_ms, "
        "application_name"
    )
    tx.execute(
        text(
            f"INSERT INTO {_STEPS} (workflow_uuid, function_id, {copied}, retention_timestamp) "
            f"SELECT :new, function_id, {copied}, {_NOW_MS} "
            f"FROM {_STEPS} WHERE workflow_uuid = :old AND function_id < :step"
        ),
        values,
    )
    tx.execute(text(f"UPDATE {_STATUS} SET was_forked_from = TRUE WHERE workflow_uuid = :old"), values)


def find(tx: Tx, run_ids: Sequence[UUID]) -> dict[UUID, DurableRun]:
    """Return runs by id; ids without a run are omitted."""
    query = f"SELECT {_COLUMNS} FROM {_STATUS} WHERE workflow_uuid = ANY(:ids)"
    rows = tx.execute(text(query), {"ids": [str(run_id) for run_id in run_ids]})
    return {UUID(row.workflow_uuid): _run(row) for row in rows}


def outcome_of(tx: Tx, run_id: UUID) -> tuple[Any, str | None]:
    """Return a finished run's output and error."""
    query = f"SELECT output, error FROM {SCHEMA}.workflow_output WHERE workflow_uuid = :id"
    row = tx.execute(text(query), {"id": str(run_id)}).one_or_none()
    if row is None:
        return None, None
    output = None if row.output is None else json.loads(row.output)
    return output, None if row.error is None else str(json.loads(row.error).get("message", ""))


def histories(tx: Tx, run_ids: Sequence[UUID]) -> dict[UUID, str]:
    """Return the recorded history of runs as text: flow, state, result, and each step with its output, in order."""
    query = (
        "SELECT w.workflow_uuid, jsonb_build_array(w.name, w.status, o.output, o.error, "
        "(SELECT jsonb_agg(jsonb_build_array(s.function_id, s.function_name, s.output, s.error, "
        "s.started_at_epoch_ms, s.completed_at_epoch_ms) ORDER BY s.function_id) "
        f"FROM {_STEPS} s WHERE s.workflow_uuid = w.workflow_uuid))::text AS history "
        f"FROM {_STATUS} w LEFT JOIN {SCHEMA}.workflow_output o ON o.workflow_uuid = w.workflow_uuid "
        "WHERE w.workflow_uuid = ANY(:ids)"
    )
    rows = tx.execute(text(query), {"ids": [str(run_id) for run_id in run_ids]})
    return {UUID(row.workflow_uuid): row.history for row in rows}


def steps(tx: Tx, run_id: UUID) -> list[StepRecord]:
    """Return the finished steps of a run, in order."""
    query = (
        "SELECT function_id, function_name, output, started_at_epoch_ms, completed_at_epoch_ms "
        f"FROM {_STEPS} WHERE workflow_uuid = :id ORDER BY function_id"
    )
    return [
        StepRecord(
            number=row.function_id,
            name=row.function_name,
            output=None if row.output is None else json.loads(row.output),
            began_at=_time(row.started_at_epoch_ms),
            ended_at=_time(row.completed_at_epoch_ms),
        )
        for row in tx.execute(text(query), {"id": str(run_id)})
    ]


def record(tx: Tx, run_id: UUID, step: StepRecord, *, owner: str) -> bool:
    """Record a finished step in one statement. Return False if the run has another owner by now, or was stopped.

    Repeated after a lost connection, it writes the same row.
    """
    written = tx.execute(
        text(
            f"INSERT INTO {_STEPS} (workflow_uuid, function_id, function_name, output, serialization, "
            "started_at_epoch_ms, "
            "completed_at_epoch_ms, application_name, retention_timestamp) "
            "SELECT workflow_uuid, :number, :name, :output, 'portable_json', :began, :ended, application_name, "
            f"{_NOW_MS} FROM {_STATUS} WHERE workflow_uuid = :id AND owner_xid = :owner AND status = 'PENDING' "
            "FOR NO KEY UPDATE "
            "ON CONFLICT (workflow_uuid, function_id) DO UPDATE SET function_id = excluded.function_id"
        ),
        {
            "id": str(run_id),
            "owner": owner,
            "number": step.number,
            "name": step.name,
            "output": json.dumps(step.output, separators=(",", ":"), ensure_ascii=False),
            "began": int(step.began_at.timestamp() * 1000),
            "ended": int(step.ended_at.timestamp() * 1000),
        },
    )
    return written.rowcount == 1


def counts(tx: Tx) -> dict[tuple[str, RunState], int]:
    """Return the number of unfinished runs, by flow and state; finished ones may be many and are not read."""
    query = f"SELECT name, status, count(*) AS n FROM {_STATUS} WHERE status IN ({_OPEN}) GROUP BY name, status"
    return {(row.name, OF_LIBRARY[row.status]): row.n for row in tx.execute(text(query))}


def unfinished(tx: Tx) -> dict[str, int]:
    """Return the number of runs under way or waiting, by flow."""
    query = (
        f"SELECT name, count(*) AS n FROM {_STATUS} WHERE status IN ('ENQUEUED', 'PENDING', 'DELAYED') GROUP BY name"
    )
    return {row.name: row.n for row in tx.execute(text(query))}


def oldest(tx: Tx) -> datetime | None:
    """Return when the oldest unfinished run was started."""
    query = f"SELECT min(created_at) FROM {_STATUS} WHERE status IN ('ENQUEUED', 'PENDING', 'DELAYED')"
    moment = tx.execute(text(query)).scalar()
    return None if moment is None else _time(moment)


def orphans(tx: Tx) -> list[str]:
    """Return the processes that hold runs without a lease: they are dead."""
    query = (
        f"SELECT DISTINCT executor_id FROM {_STATUS} w WHERE status = 'PENDING' AND executor_id IS NOT NULL "
        "AND NOT EXISTS (SELECT FROM durable_leases l WHERE l.executor = w.executor_id)"
    )
    return list(tx.execute(text(query)).scalars())


def forgive(tx: Tx, dead: Sequence[str]) -> int:
    """Reset the count of deaths for runs that progressed while dead processes held them. Return how many there are.

    So only deaths between two steps add up: occasional ends of processes do not exhaust a long run.
    """
    return tx.execute(
        text(
            f"UPDATE {_STATUS} w SET recovery_attempts = 0 WHERE status = 'PENDING' AND executor_id = ANY(:dead) "
            f"AND EXISTS (SELECT FROM {_STEPS} s WHERE s.workflow_uuid = w.workflow_uuid "
            "AND s.retention_timestamp >= w.started_at_epoch_ms)"
        ),
        {"dead": list(dead)},
    ).rowcount


def held_by(tx: Tx, executor: str) -> list[tuple[UUID, str]]:
    """Return the unfinished runs that a process has taken, each with its ownership token."""
    query = (
        f"SELECT workflow_uuid, owner_xid FROM {_STATUS} "
        "WHERE status = 'PENDING' AND executor_id = :executor AND owner_xid IS NOT NULL"
    )
    return [(UUID(row.workflow_uuid), row.owner_xid) for row in tx.execute(text(query), {"executor": executor})]


def requeue(tx: Tx, executor: str, taken: Sequence[tuple[UUID, str]]) -> int:
    """Queue again the runs that a process has taken with these tokens. Return how many it still held.

    Each taking still counts, so a run whose end can never be written is exhausted eventually.
    """
    return tx.execute(
        text(
            f"UPDATE {_STATUS} SET status = 'ENQUEUED', queue_name = name, owner_xid = NULL, executor_id = NULL, "
            f"started_at_epoch_ms = NULL, updated_at = {_NOW_MS} "
            "WHERE status = 'PENDING' AND executor_id = :executor AND (workflow_uuid, owner_xid) IN "
            "(SELECT * FROM unnest(CAST(:ids AS text[]), CAST(:owners AS text[])))"
        ),
        {"executor": executor, "ids": [str(run) for run, _ in taken], "owners": [owner for _, owner in taken]},
    ).rowcount


def in_state(run_id: ColumnElement[UUID], *states: RunState) -> ColumnElement[bool]:
    """Return a condition for other queries: the run with this id is in one of these states."""
    runs = table("workflow_status", column("workflow_uuid"), column("status"), schema=SCHEMA)
    found = select(1).where(
        runs.c.workflow_uuid == cast(run_id, Text), runs.c.status.in_([_WORDS[state] for state in states])
    )
    return exists(found.correlate_except(runs))


def _run(row: Any) -> DurableRun:
    values: Mapping[str, Any] = row._mapping
    delay = values["delay_until_epoch_ms"]
    return DurableRun(
        id=UUID(values["workflow_uuid"]),
        flow=values["name"],
        state=OF_LIBRARY[values["status"]],
        executor=values["executor_id"],
        updated_at=_time(values["updated_at"]),
        ended_at=None if values["completed_at"] is None else _time(values["completed_at"]),
        wakes_at=None if delay is None or values["status"] != "DELAYED" else _time(delay),
    )


def _time(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(min(milliseconds, 253_402_000_000_000) / 1000, tz=UTC)
