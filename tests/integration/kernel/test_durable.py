"""The engine beside others: a process of it that stands still, a role that may not make its tables."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, event, make_url, text

from andon.kernel import durable
from andon.kernel.clock import SystemClock
from andon.kernel.db import Database, DatabaseUnfit
from andon.kernel.durable import rows
from andon.kernel.durable.engine import Engine
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
    with ThreadPoolExecutor(1) as beside:  # as in a worker, no event loop runs in the thread that launches
        beside.submit(engine.launch).result()
        try:
            with database.begin() as tx:
                engine.start(tx, "stand", run)
            assert inside.wait(10)
            began = time.monotonic()
            with database.begin() as tx:
                assert rows.hold(tx, run) is not None
            assert timedelta(seconds=time.monotonic() - began) < 2 * LEASE
            goes_on.set()
            until = time.monotonic() + 10
            while True:
                with database.begin() as tx:
                    if not durable.unfinished(tx):
                        break
                assert time.monotonic() < until
                time.sleep(0.05)
        finally:
            goes_on.set()
            beside.submit(engine.close).result()


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

    connections = engine.__dict__["_connections"]
    event.listen(connections, "after_cursor_execute", executed)
    event.listen(connections, "commit", committing)
    with ThreadPoolExecutor(1) as beside:
        beside.submit(engine.launch).result()
        try:
            with database.begin() as tx:
                for run in runs:
                    engine.start(tx, "pass-by", run)
            assert lost.wait(10)
            began = time.monotonic()
            while True:
                with database.begin() as tx:
                    if not durable.unfinished(tx):
                        break
                assert timedelta(seconds=time.monotonic() - began) < 2 * LEASE
                time.sleep(0.05)
            assert sorted(map(str, done)) == sorted(map(str, runs))
        finally:
            beside.submit(engine.close).result()


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
