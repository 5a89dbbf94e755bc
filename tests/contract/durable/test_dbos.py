"""The basis of `kernel.durable` that DBOS does not promise: private calls, and the meaning of its rows in our SQL."""

import inspect
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from typing import Any, TypeVar
from uuid import UUID

import pytest
from dbos import DBOS
from dbos._context import DBOSContext
from sqlalchemy import text

from andon import Procedure, procedure
from andon.kernel import durable
from andon.kernel.db import Database, Tx
from andon.kernel.durable import RunState
from andon.kernel.durable import rows as durable_rows
from andon.kernel.durable.engine import APPLICATION, DEATHS, VERSION
from andon.kernel.ids import uuid7
from andon.procedures.conducting import Conductor
from conducting import CLOCK, conducting, start, start_in, timeline, until

TIMES = {
    "updated_at",
    "completed_at",
    "created_at",
    "owner_xid",
    "creator_xid",
    "workflow_uuid",
    "forked_from",
    "retention_timestamp",
}
T = TypeVar("T")

go = threading.Event()
entered = threading.Event()


def block() -> int:
    entered.set()
    go.wait(20)
    return 1


@procedure("rows")
async def rows(p: Procedure, given: dict[str, Any]) -> int:
    await p.step(int, name="first")
    return await p.step(block)


@procedure("wait")
async def wait(p: Procedure, given: dict[str, Any]) -> None:
    await p.step(int, name="first")
    await p.wait_for("go")


@pytest.fixture
def conductor(database: Database) -> Iterator[Conductor]:
    go.clear()
    entered.clear()
    with conducting(database, rows, wait) as conductor:
        yield conductor
        go.set()


def beside(call: Callable[[], T]) -> T:
    """Call DBOS where no event loop runs; in this thread a browser's driver may have one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(call).result()


def row(database: Database, run_id: UUID) -> Mapping[str, Any]:
    """Return a run's row, without what differs between any two."""
    with database.begin() as tx:
        return row_in(tx, run_id)


def row_in(tx: Tx, run_id: UUID) -> Mapping[str, Any]:
    query = "SELECT * FROM andon_durable.workflow_status WHERE workflow_uuid = :id"
    found = tx.execute(text(query), {"id": str(run_id)}).one()._mapping
    return {name: value for name, value in found.items() if name not in TIMES}


def test_the_release_is_the_one_that_was_looked_at_and_its_private_call_takes_executors() -> None:
    assert version("dbos").startswith("3.4.")
    assert list(inspect.signature(DBOS._recover_pending_workflows).parameters) == ["executor_ids"]
    assert DBOSContext().owner_xid is None


def test_cancelled_and_resumed_by_us_a_run_looks_as_if_dbos_had_done_it(
    database: Database, conductor: Conductor
) -> None:
    ours, theirs = (start(database, conductor, "wait") for _ in range(2))
    for one in (ours, theirs):
        until(database, one, RunState.WAITING)
    beside(lambda: DBOS.cancel_workflow(str(theirs)))
    with database.begin() as tx:
        assert durable.cancel(tx, ours)
    cancelled = row(database, ours), row(database, theirs)
    assert _without_delay(cancelled[0]) == _without_delay(cancelled[1])
    with database.begin() as tx:
        assert durable.resume(tx, ours)
        moved = tx.execute(
            text("SELECT status, queue_name, completed_at FROM andon_durable.workflow_status WHERE workflow_uuid = :i"),
            {"i": str(ours)},
        ).one()
    assert moved == ("ENQUEUED", wait.flow, None)
    beside(lambda: DBOS.resume_workflow(str(theirs), queue_name=wait.flow))
    for one in (ours, theirs):
        until(database, one, RunState.WAITING)
    assert _without_delay(row(database, ours)) == _without_delay(row(database, theirs))


def test_steps_that_we_write_down_are_steps_to_dbos(database: Database, conductor: Conductor) -> None:
    one = start(database, conductor, "wait")
    until(database, one, RunState.WAITING)
    (theirs,) = beside(lambda: DBOS.list_workflow_steps(str(one)))
    (ours,) = timeline(database, one)[:1]
    assert (theirs["function_id"], theirs["function_name"]) == (ours.number, "step:first")
    assert (theirs["output"], theirs["error"], theirs["child_workflow_id"]) == ({"ok": 0}, None, None)
    assert theirs["started_at_epoch_ms"] == int(ours.began_at.timestamp() * 1000)
    assert theirs["completed_at_epoch_ms"] is not None
    with database.begin() as tx:
        (record,) = durable.steps(tx, one)
        assert not durable.record(tx, one, record, owner="another")


def test_forked_by_us_a_run_looks_as_if_dbos_had_done_it(database: Database, conductor: Conductor) -> None:
    original = start(database, conductor, "wait")
    until(database, original, RunState.WAITING)
    theirs = UUID(
        beside(
            lambda: DBOS.fork_workflow(str(original), 2, queue_name="nobody's", application_version=VERSION).workflow_id
        )
    )
    ours = UUID(bytes=uuid7(CLOCK.now()).bytes)
    with database.begin() as tx:
        durable.fork(tx, original, ours, flow=wait.flow, from_step=2)
        copied = [durable.steps(tx, one) for one in (ours, theirs)]
        inputs = tx.execute(
            text("SELECT DISTINCT inputs FROM andon_durable.workflow_input WHERE workflow_uuid = ANY(:ids)"),
            {"ids": [str(one) for one in (original, ours, theirs)]},
        ).all()
    assert (copied[0], len(copied[0]), len(inputs)) == (copied[1], 1, 1)
    assert row(database, theirs)["was_forked_from"] is False
    assert row(database, original)["was_forked_from"] is True


def test_a_run_that_waits_counts_as_progress_and_one_under_way_is_fenced_by_its_token(
    database: Database, conductor: Conductor
) -> None:
    waits = start(database, conductor, "wait")
    until(database, waits, RunState.WAITING)
    assert row(database, waits) | {"recovery_attempts": 0, "executor_id": None} == row(database, waits)
    runs = start(database, conductor, "rows")
    assert entered.wait(10)
    assert row(database, runs)["executor_id"] == conductor.executor
    with database.begin() as tx:
        assert durable.hold(tx, runs, owner="another") is None
        assert durable.hold(tx, runs) is RunState.RUNNING
    go.set()
    until(database, runs, RunState.DONE)


def test_what_a_dead_executor_held_is_recovered_by_the_private_call(database: Database, conductor: Conductor) -> None:
    runs = start(database, conductor, "rows")
    assert entered.wait(10)
    with database.begin() as tx:
        dead = (
            "UPDATE andon_durable.workflow_status SET executor_id = 'dead', recovery_attempts = :n "
            "WHERE workflow_uuid = :id"
        )
        tx.execute(text(dead), {"id": str(runs), "n": DEATHS + 1})  # it is not exhausted: it finished a step
    end = time.monotonic() + 10
    while row(database, runs)["executor_id"] != conductor.executor:
        assert time.monotonic() < end, "nobody took it over"
        time.sleep(0.05)
    go.set()
    until(database, runs, RunState.DONE)
    assert [entry.name for entry in timeline(database, runs)] == ["first", "block"]
    assert row(database, runs)["executor_id"] == conductor.executor


def test_only_deaths_since_the_last_finished_step_add_up(database: Database, conductor: Conductor) -> None:
    runs = start(database, conductor, "rows")
    assert entered.wait(10)
    with database.begin() as tx:
        assert durable_rows.forgive(tx, ["another"]) == 0
        assert durable_rows.forgive(tx, ["another", conductor.executor]) == 1
        assert row_in(tx, runs)["recovery_attempts"] == 0
        taken = "UPDATE andon_durable.workflow_status SET started_at_epoch_ms = started_at_epoch_ms + 60000"
        tx.execute(text(taken))
        assert durable_rows.forgive(tx, [conductor.executor]) == 0
    go.set()
    until(database, runs, RunState.DONE)


def test_a_run_that_is_given_back_looks_as_dbos_had_it_before_it_was_taken_and_only_its_taker_gives_it(
    database: Database, conductor: Conductor
) -> None:
    with database.begin() as tx:
        runs = start_in(tx, conductor, "rows")
        before = row_in(tx, runs)
    assert entered.wait(10)
    with database.begin() as tx:
        ((held, token),) = durable_rows.held_by(tx, conductor.executor)
        assert held == runs
        assert durable_rows.requeue(tx, "another", [(runs, token)]) == 0
        assert durable_rows.requeue(tx, conductor.executor, [(runs, "another")]) == 0
        assert durable_rows.requeue(tx, conductor.executor, [(runs, token)]) == 1
        after = row_in(tx, runs)
    assert {name: value for name, value in after.items() if value != before[name]} == {"recovery_attempts": 1}
    go.set()
    until(database, runs, RunState.DONE)


def test_a_run_whose_process_ended_too_often_is_exhausted_and_can_be_resumed(
    database: Database, conductor: Conductor
) -> None:
    waits = start(database, conductor, "wait")
    until(database, waits, RunState.WAITING)
    with database.begin() as tx:
        often = "UPDATE andon_durable.workflow_status SET recovery_attempts = :n WHERE workflow_uuid = :id"
        tx.execute(text(often), {"n": DEATHS + 1, "id": str(waits)})
        durable.wake(tx, [waits])
    until(database, waits, RunState.EXHAUSTED)
    with database.begin() as tx:
        assert durable.resume(tx, waits)
    until(database, waits, RunState.WAITING)


def test_a_run_of_code_that_nobody_here_has_is_left_alone_and_told(database: Database, conductor: Conductor) -> None:
    with database.begin() as tx:
        conductor._engine.start(tx, "wait@0ld", UUID(int=9))
    with database.begin() as tx:
        assert conductor.stranded(tx) == {"wait@0ld": 1}
        assert durable.find(tx, [UUID(int=9)])[UUID(int=9)].state is RunState.QUEUED
        app = tx.execute(text("SELECT DISTINCT application_name FROM andon_durable.workflow_status")).scalar_one()
    assert app == APPLICATION


def _without_delay(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row without its past delay: waking a run clears it, cancelling need not."""
    return {
        name: value
        for name, value in values.items()
        if name not in ("delay_until_epoch_ms", "recovery_attempts", "started_at_epoch_ms")
    }
