"""Processes that run procedures are killed, frozen and cut off: others continue, no effect is lost or doubled.

The living continue within ten seconds.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import make_url, text

from andon import Procedure, migrations, procedure
from andon.kernel import postgres
from andon.kernel.db import Database, DatabaseUnavailable
from andon.kernel.durable.engine import LOST, _connect
from andon.kernel.durable.leases import REAPER, Lease
from andon.procedures import RunState
from andon.procedures.conducting import Conductor
from conducting import CLOCK, get, outcome, send, start, until
from procedure_worker import STEPS, TABLE, march, stand
from proxy import Proxy

pytestmark = pytest.mark.long

TAKEN_OVER_WITHIN = 10.0
ROOT = Path(__file__).parents[3]


@procedure("answer")
async def answer(p: Procedure, given: dict[str, Any]) -> int:
    """Nothing but an answer."""
    return 42


@contextmanager
def worker(database: Database) -> Iterator[subprocess.Popen[str]]:
    """Run a process with procedures."""
    command = [sys.executable, "-m", "tests.procedure_worker", database.url]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True, env=environment()) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.kill()


def environment() -> Mapping[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT / "tests")}


def started(database: Database, name: str, count: int) -> list[UUID]:
    """Procedures that wait for a process to run them; nobody here does."""
    with database.begin() as tx:
        tx.execute(text(TABLE))
    return [start(database, Conductor(database, [march, stand], CLOCK), name) for _ in range(count)]


def marks(database: Database) -> dict[str, tuple[int, list[int]]]:
    """Return what was done, how often and by which processes."""
    with database.begin() as tx:
        return {row.key: (row.times, row.pids) for row in tx.execute(text("SELECT * FROM marks"))}


def wait_until(what: str, happened: Callable[[], bool], *, within: float) -> float:
    """How long it took."""
    began = time.monotonic()
    while not happened():
        assert time.monotonic() - began < within, f"not within {within} s: {what}"
        time.sleep(0.02)
    return time.monotonic() - began


def holds(database: Database, pid: int) -> dict[UUID, str]:
    """Return what a process is working on, with its name among processes."""
    query = (
        "SELECT w.workflow_uuid, l.executor FROM andon_durable.workflow_status w "
        "JOIN durable_leases l ON l.executor = w.executor_id WHERE l.pid = :pid AND w.status = 'PENDING'"
    )
    with database.begin() as tx:
        return {UUID(row.workflow_uuid): row.executor for row in tx.execute(text(query), {"pid": pid})}


@contextmanager
def frozen_while_it_looks(database: Database) -> Iterator[None]:
    """Freeze a process in the transaction in which it looks for the dead; the server ends it."""
    with suppress(DatabaseUnavailable), Lease(database, "frozen", recover=list, tidy=str, lost=list).briefly() as tx:
        tx.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": REAPER})
        yield


def done_by(database: Database, pid: int) -> int:
    return sum(pids.count(pid) for _, pids in marks(database).values())


@pytest.mark.crash
def test_what_a_killed_process_held_goes_on_elsewhere_within_ten_seconds(database: Database) -> None:
    with worker(database) as one, worker(database) as other:
        ids = started(database, "march", 8)
        wait_until("they are in the middle", lambda: len(marks(database)) >= 12, within=20)
        held = {process: holds(database, process.pid) for process in (one, other)}
        victim = max((one, other), key=lambda process: len(held[process]))
        victim.kill()
        assert held[victim]
        took = wait_until(
            "another holds them",
            lambda: all(
                get(database, each).run.executor not in (None, held_by) for each, held_by in held[victim].items()
            ),  # type: ignore[union-attr]
            within=TAKEN_OVER_WITHIN,
        )
        for each in ids:
            until(database, each, RunState.DONE)
    sys.stderr.write(f"{len(held[victim])} taken over after {took:.1f} s\n")
    found = marks(database)
    assert set(found) == {f"{each}/{number}" for each in ids for number in range(STEPS)}
    twice = [key for key, (times, _) in found.items() if times > 1]
    assert len(twice) <= len(held[victim]), "only the step under way may have been begun again, under its key"
    assert all(outcome(database, each)[0] == STEPS for each in ids)


@pytest.mark.crash
def test_a_frozen_process_that_wakes_up_ends_and_does_nothing_twice(database: Database) -> None:
    with worker(database) as zombie:
        ids = started(database, "march", 6)
        wait_until("it is in the middle", lambda: done_by(database, zombie.pid) >= 8, within=20)
        zombie.send_signal(signal.SIGSTOP)
        with worker(database) as heir:
            wait_until("another goes on", lambda: done_by(database, heir.pid) > 0, within=TAKEN_OVER_WITHIN)
            for one in ids:
                until(database, one, RunState.DONE)
            before = marks(database)
            zombie.send_signal(signal.SIGCONT)
            assert zombie.wait(10) == LOST
        late = {key for key, (times, _) in marks(database).items() if times != before[key][0]}
    assert len(late) <= len(ids), "what a step was doing when it was frozen may end; no further step begins"
    assert set(before) == {f"{one}/{number}" for one in ids for number in range(STEPS)}


def test_a_process_that_is_frozen_while_it_looks_after_the_others_keeps_nobody_from_it(database: Database) -> None:
    """It holds the lock under which one at a time does, and would for as long as it is frozen."""
    with worker(database) as victim:
        (one,) = started(database, "march", 1)
        wait_until("it is in the middle", lambda: done_by(database, victim.pid) >= 1, within=20)
        victim.kill()
    with frozen_while_it_looks(database), worker(database):
        until(database, one, RunState.DONE)


def test_who_waits_is_not_moved_by_deaths_and_is_woken_by_its_event(database: Database) -> None:
    with worker(database) as victim:
        (one,) = started(database, "stand", 1)
        until(database, one, RunState.WAITING)
        victim.kill()
    assert get(database, one).state is RunState.WAITING
    with worker(database):
        send(database, one, "go", {"on": True})
        until(database, one, RunState.DONE)
    assert (outcome(database, one)[0], {times for times, _ in marks(database).values()}) == ({"on": True}, {1})


@pytest.mark.crash
def test_procedures_outlive_a_restart_of_postgresql_in_the_same_process(short_folder: Path) -> None:
    with postgres.lend(short_folder / "postgres") as server:
        database = Database(server.url)
        migrations.ensure(database)
        with worker(database) as process:
            ids = [*started(database, "march", 4), *started(database, "stand", 1)]
            wait_until("it is in the middle", lambda: done_by(database, process.pid) >= 6, within=20)
            postgres.stop(short_folder / "postgres")
            time.sleep(1)
            postgres.start(short_folder / "postgres")
            with suppress(DatabaseUnavailable):
                database.version()
            for one in ids[:4]:
                until(database, one, RunState.DONE, within=30)
            send(database, ids[4], "go")
            until(database, ids[4], RunState.DONE)
            assert process.poll() is None
        found = marks(database)
        assert {key for key in found if key.endswith(f"/{STEPS - 1}")} == {f"{one}/{STEPS - 1}" for one in ids[:4]}
        database.close()


def test_what_a_frozen_process_holds_in_a_transaction_of_the_engine_is_free_within_ten_seconds(
    database: Database,
) -> None:
    connections, lock = _connect(database.url), text("SELECT pg_advisory_xact_lock(7)")
    frozen = connections.connect()
    try:
        frozen.execute(lock)  # and never a word again
        with database.begin() as tx:
            tx.execute(text("SET LOCAL lock_timeout = '10s'"))
            tx.execute(lock)
    finally:
        frozen.invalidate()
        connections.dispose()


@pytest.mark.parametrize("mark", [b"procedure_versions", b"durable_leases", b"andon_durable", b"queues"])
def test_a_launch_that_an_outage_cut_short_is_done_again(database: Database, mark: bytes) -> None:
    url = make_url(database.url)
    with Proxy("127.0.0.1", url.port or 5432) as proxy, ThreadPoolExecutor(1) as beside:
        through = Database(url.set(port=proxy.port).render_as_string(hide_password=False))
        conductor = Conductor(through, [answer], CLOCK)
        proxy.cut_before(mark)
        with pytest.raises(DatabaseUnavailable):
            beside.submit(conductor.launch).result()
        beside.submit(conductor.launch).result()
        try:
            assert until(database, start(database, conductor, "answer")).state is RunState.DONE
        finally:
            beside.submit(conductor.close).result()
            through.close()
