"""The engine beside others: a process of it that stands still, a role that may not make its tables."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, event, make_url, text

from andon.kernel import durable
from andon.kernel.clock import SystemClock
from andon.kernel.db import Database, DatabaseUnfit, Tx
from andon.kernel.durable import RunState, rows
from andon.kernel.durable.engine import DEATHS, Engine
from andon.kernel.durable.leases import LEASE
from andon.kernel.durable.running import Running
from andon.kernel.ids import uuid7

CLOCK = SystemClock()


def test_what_a_run_holds_is_free_for_others_soon_after_its_process_was_frozen(database: Database) -> None:
    inside, goes_on = threading.Event(), threading.Event()

    async def stand(running: Running) -> str:
        def frozen(_: object) -> None:
            inside.set()
            goes_on.wait(30)

        await running.in_transaction(frozen)
        return "done"

    engine, run = Engine(database, {"stand": stand}, CLOCK), uuid7(CLOCK.now())
    with launched(engine):
        try:
            with database.begin() as tx:
                engine.start(tx, "stand", run)
            assert inside.wait(10)
            began = time.monotonic()
            with database.begin() as tx:
                assert rows.hold(tx, run) is not None
            assert timedelta(seconds=time.monotonic() - began) < 2 * LEASE
            goes_on.set()
            until_none_is_under_way(database, 2 * LEASE)
        finally:
            goes_on.set()


@contextmanager
def launched(engine: Engine) -> Iterator[None]:
    """As in a worker, no event loop runs in the thread that launches."""
    with ThreadPoolExecutor(1) as beside:
        beside.submit(engine.launch).result()
        try:
            yield
        finally:
            beside.submit(engine.close).result()


def until_none_is_under_way(database: Database, within: timedelta) -> None:
    began = time.monotonic()
    while True:
        with database.begin() as tx:
            if not durable.unfinished(tx):
                return
        assert timedelta(seconds=time.monotonic() - began) < within
        time.sleep(0.05)


def test_what_is_in_a_transaction_when_its_engine_is_closed_leaves_no_connection_open(database: Database) -> None:
    inside, goes_on = threading.Event(), threading.Event()
    held: list[Any] = []

    async def last(running: Running) -> None:
        def work(tx: Tx) -> None:
            held.append(tx.connection.dbapi_connection)
            inside.set()
            goes_on.wait(30)

        await running.in_transaction(work)

    engine, run = Engine(database, {"last": last}, CLOCK), uuid7(CLOCK.now())
    try:
        with launched(engine):
            with database.begin() as tx:
                engine.start(tx, "last", run)
            assert inside.wait(10)
        assert not held[0].closed
    finally:
        goes_on.set()
    until = time.monotonic() + 10
    while not held[0].closed:
        assert time.monotonic() < until
        time.sleep(0.02)


def test_runs_that_were_taken_in_a_commit_whose_answer_was_lost_go_on_in_the_same_process(database: Database) -> None:
    done: list[object] = []

    async def pass_by(running: Running) -> str:
        done.append(running.id)
        return "done"

    engine, runs = Engine(database, {"pass-by": pass_by}, CLOCK), [uuid7(CLOCK.now()) for _ in range(3)]
    taking, lost = threading.Event(), threading.Event()

    def executed(_: Connection, cursor: Any, statement: str, *more: object) -> None:
        if statement.startswith("UPDATE") and "owner_xid=" in statement and cursor.rowcount > 0:
            taking.set()

    def committing(connection: Connection) -> None:
        if taking.is_set() and not lost.is_set():
            lost.set()
            held: Any = connection.connection.dbapi_connection
            held.commit()
            held.close()  # so that who commits hears of an error

    event.listen(engine.__dict__["_connections"], "after_cursor_execute", executed)
    event.listen(engine.__dict__["_connections"], "commit", committing)
    with launched(engine):
        with database.begin() as tx:
            for run in runs:
                engine.start(tx, "pass-by", run)
        assert lost.wait(10)
        until_none_is_under_way(database, 2 * LEASE)
        assert sorted(map(str, done)) == sorted(map(str, runs))


def test_a_run_whose_end_can_never_be_written_down_is_exhausted_and_not_done_for_ever(database: Database) -> None:
    done: list[object] = []

    async def pass_by(running: Running) -> str:
        done.append(running.id)
        return "done"

    engine, run = Engine(database, {"pass-by": pass_by}, CLOCK), uuid7(CLOCK.now())

    def executing(_: Connection, __: Any, statement: str, *more: object) -> None:
        if "workflow_output" in statement and statement.startswith(("INSERT", "WITH", "UPDATE")):
            raise RuntimeError("this end is not to be written")

    event.listen(engine.__dict__["_connections"], "before_cursor_execute", executing)
    with launched(engine):
        with database.begin() as tx:
            engine.start(tx, "pass-by", run)
            tried = "UPDATE andon_durable.workflow_status SET recovery_attempts = :n WHERE workflow_uuid = :run"
            tx.execute(text(tried), {"n": DEATHS - 1, "run": str(run)})
        until_none_is_under_way(database, 4 * LEASE)
        with database.begin() as tx:
            assert durable.find(tx, [run])[run].state is RunState.EXHAUSTED
    assert done == [UUID(bytes=run.bytes)] * 2


def test_a_role_that_may_not_make_the_engines_tables_is_told_what_it_needs(database: Database) -> None:
    with database.begin() as tx:
        tx.execute(text(f'REVOKE CREATE ON DATABASE "{make_url(database.url).database}" FROM CURRENT_USER'))
    engine = Engine(database, {}, CLOCK)
    with ThreadPoolExecutor(1) as beside:
        try:
            with pytest.raises(DatabaseUnfit, match=r"permission denied for database.*GRANT CREATE"):
                beside.submit(engine.launch).result()
        finally:
            beside.submit(engine.close).result()
