"""The rows of runs in DBOS's own tables, read and changed in the caller's transaction; all such SQL is here.

DBOS keeps one row per run (`workflow_status`) and one per finished step (`operation_outputs`). A waiting run is
DELAYED; the transaction that brings what it waits for makes it ENQUEUED. DBOS is pinned to a minor release, and
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
"""Where DBOS keeps its tables, in the same database as everything else. It makes them when it is first launched."""

_STATUS = f"{SCHEMA}.workflow_status"
_STEPS = f"{SCHEMA}.operation_outputs"
_NOW_MS = "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)"
_WORDS = {state: word for word, state in OF_LIBRARY.items()}
_OPEN = ", ".join(f"'{word}'" for word, state in OF_LIBRARY.items() if state not in OVER)
_COLUMNS = "workflow_uuid, name, status, executor_id, updated_at, completed_at, delay_until_epoch_ms"


def is_set_up(tx: Tx) -> bool:
    """Return whether there can be runs at all: whether DBOS has made its tables."""
    return tx.execute(text(f"SELECT to_regclass('{_STATUS}') IS NOT NULL")).scalar_one() is True


def hold(tx: Tx, run_id: UUID, *, owner: str | None = None) -> RunState | None:
    """Lock a run's row until the transaction ends and return its state; None if it is missing or not this owner's."""
    mine = "" if owner is None else "AND owner_xid = :owner AND status = 'PENDING'"
    query = f"SELECT status FROM {_STATUS} WHERE workflow_uuid = :id {mine} FOR UPDATE"
    status = tx.execute(text(query), {"id": str(run_id), "owner": owner}).scalar()
    return None if status is None else OF_LIBRARY[status]


def park(tx: Tx, run_id: UUID, *, until: datetime) -> None:
    """Let a held run wait. What it has got done counts as progress, so the count of its recoveries begins anew."""
    tx.execute(
        text(
            f"UPDATE {_STATUS} SET status = 'DELAYED', delay_until_epoch_ms = :until, owner_xid = NULL, "
            "executor_id = NULL, "
            f"started_at_epoch_ms = NULL, recovery_attempts = 0, updated_at = {_NOW_MS} WHERE workflow_uuid = :id"
        ),
        {"id": str(run_id), "until": int(until.timestamp() * 1000)},
    )


def wake(tx: Tx, run_ids: Sequence[UUID]) -> int:
    """Let waiting runs go on; how many did wait. One that is not waiting looks for itself before it does.

    Hold the row before writing what the run waits for: then either it sees that, or this sees it waiting.
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
    """Stop a run where it is; what a step is doing right now it finishes. False if it is over or cancelled already."""
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
    """Let a run go on that was cancelled or is exhausted, behind its last step. False if it is neither."""
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
    """Begin a new run, on the code of `flow`, as if the steps before `from_step` had been its own."""
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
    """Return runs by id; an id without a run is left out."""
    query = f"SELECT {_COLUMNS} FROM {_STATUS} WHERE workflow_uuid = ANY(:ids)"
    rows = tx.execute(text(query), {"ids": [str(run_id) for run_id in run_ids]})
    return {UUID(row.workflow_uuid): _run(row) for row in rows}


def outcome_of(tx: Tx, run_id: UUID) -> tuple[Any, str | None]:
    """Return an ended run's output and the error it ended with."""
    query = f"SELECT output, error FROM {SCHEMA}.workflow_output WHERE workflow_uuid = :id"
    row = tx.execute(text(query), {"id": str(run_id)}).one_or_none()
    if row is None:
        return None, None
    output = None if row.output is None else json.loads(row.output)
    return output, None if row.error is None else str(json.loads(row.error).get("message", ""))


def histories(tx: Tx, run_ids: Sequence[UUID]) -> dict[UUID, str]:
    """Return what is recorded of runs, as text: flow, state, result, and each step with its output, in order."""
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
    """Record a finished step in one statement; return False if the run is no longer this owner's, or was stopped.

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
    """Return how many runs are not over, by flow and state; those that are may be many, and are not looked at."""
    query = f"SELECT name, status, count(*) AS n FROM {_STATUS} WHERE status IN ({_OPEN}) GROUP BY name, status"
    return {(row.name, OF_LIBRARY[row.status]): row.n for row in tx.execute(text(query))}


def unfinished(tx: Tx) -> dict[str, int]:
    """Return how many runs are under way or wait, by flow."""
    query = (
        f"SELECT name, count(*) AS n FROM {_STATUS} WHERE status IN ('ENQUEUED', 'PENDING', 'DELAYED') GROUP BY name"
    )
    return {row.name: row.n for row in tx.execute(text(query))}


def oldest(tx: Tx) -> datetime | None:
    """When the oldest run that is not over was started."""
    query = f"SELECT min(created_at) FROM {_STATUS} WHERE status IN ('ENQUEUED', 'PENDING', 'DELAYED')"
    moment = tx.execute(text(query)).scalar()
    return None if moment is None else _time(moment)


def orphans(tx: Tx) -> list[str]:
    """Return the processes that hold runs and have no lease: they are dead."""
    query = (
        f"SELECT DISTINCT executor_id FROM {_STATUS} w WHERE status = 'PENDING' AND executor_id IS NOT NULL "
        "AND NOT EXISTS (SELECT FROM durable_leases l WHERE l.executor = w.executor_id)"
    )
    return list(tx.execute(text(query)).scalars())


def held_by(tx: Tx, executor: str) -> list[tuple[UUID, str]]:
    """Return the unfinished runs that a process has taken, each with its ownership token."""
    query = (
        f"SELECT workflow_uuid, owner_xid FROM {_STATUS} "
        "WHERE status = 'PENDING' AND executor_id = :executor AND owner_xid IS NOT NULL"
    )
    return [(UUID(row.workflow_uuid), row.owner_xid) for row in tx.execute(text(query), {"executor": executor})]


def requeue(tx: Tx, executor: str, taken: Sequence[tuple[UUID, str]]) -> int:
    """Have runs taken anew that a process has taken with these tokens; how many are still so.

    That it had them stays counted: a run that can never be ended is exhausted some time.
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


def in_state(run_id: ColumnElement[UUID], state: RunState) -> ColumnElement[bool]:
    """Return a condition for other queries: the run of this id is in this state."""
    runs = table("workflow_status", column("workflow_uuid"), column("status"), schema=SCHEMA)
    found = select(1).where(runs.c.workflow_uuid == cast(run_id, Text), runs.c.status == _WORDS[state])
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
