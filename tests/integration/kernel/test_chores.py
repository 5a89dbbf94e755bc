"""Chores on a real database: one worker at a time with a lease, taken over from the dead, retried when they fail."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text

from andon.kernel.chores import Chore, ChoreMetrics, ChoreRunner, ChoreState, states
from andon.kernel.db import Database, Tx
from andon.kernel.metrics import Metrics
from andon.supervisor.chores import examine_chores
from andon.supervisor.findings import DoctorState

SOON = timedelta(milliseconds=20)


@asynccontextmanager
async def running(*runners: ChoreRunner) -> AsyncIterator[None]:
    stop = asyncio.Event()
    tasks = [asyncio.create_task(runner.run(stop)) for runner in runners]
    try:
        yield
    finally:
        stop.set()
        await asyncio.gather(*tasks)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not holds():
            await asyncio.sleep(0.01)


def a_runner(database: Database, *chores: Chore) -> ChoreRunner:
    return ChoreRunner(database, chores, ChoreMetrics(Metrics()))


def state(database: Database, name: str = "sweep") -> ChoreState:
    with database.begin() as tx:
        return {one.name: one for one in states(tx)}[name]


class Sweeping:
    """A chore that counts how often each worker did it."""

    def __init__(self, *, lease: timedelta | None = timedelta(seconds=1)) -> None:
        self.runs: dict[str, int] = {}
        self.lease = lease

    def of(self, worker: str) -> Chore:
        def sweep(tx: Tx, now: datetime) -> bool:
            self.runs[worker] = self.runs.get(worker, 0) + 1
            return False

        return Chore("sweep", SOON, sweep, self.lease)

    def at_least(self, worker: str, times: int) -> Callable[[], bool]:
        return lambda: self.runs.get(worker, 0) >= times


def test_one_worker_at_a_time_does_a_chore_with_a_lease(database: Database) -> None:
    sweeping = Sweeping(lease=timedelta(minutes=5))

    async def test() -> None:
        async with running(*(a_runner(database, sweeping.of(name)) for name in ("first", "second"))):
            await until(lambda: sum(sweeping.runs.values()) >= 10)
            assert len(sweeping.runs) == 1

    asyncio.run(test())
    assert state(database).holder is None
    assert state(database).last_run_at is not None


def test_what_a_worker_that_ended_held_is_done_by_another_at_once(database: Database) -> None:
    sweeping = Sweeping(lease=timedelta(minutes=5))

    async def test() -> None:
        async with running(a_runner(database, sweeping.of("first"))):
            await until(sweeping.at_least("first", 2))
        async with running(a_runner(database, sweeping.of("second"))):
            await until(sweeping.at_least("second", 2))

    asyncio.run(test())


def test_a_chore_that_is_seldom_done_is_taken_over_soon_after_its_worker_ended(database: Database) -> None:
    runs: list[str] = []

    def seldom(worker: str) -> Chore:
        def note(tx: Tx, now: datetime) -> bool:
            runs.append(worker)
            return False

        return Chore("seldom", timedelta(hours=1), note, timedelta(hours=1))

    async def test() -> None:
        stop = asyncio.Event()
        first = asyncio.create_task(a_runner(database, seldom("first")).run(stop))
        await until(lambda: runs == ["first"])
        async with running(a_runner(database, seldom("second"))):
            await asyncio.sleep(0.3)
            assert runs == ["first"]
            stop.set()
            await first
            await until(lambda: runs == ["first", "second"])

    asyncio.run(test())


def test_a_chore_of_a_dead_worker_is_taken_over_when_its_lease_is_over(database: Database) -> None:
    sweeping = Sweeping()
    with database.begin() as tx:
        tx.execute(
            text(
                "INSERT INTO chores (name, interval_seconds, holder, lease_until) "
                "VALUES ('sweep', 1, 'dead', clock_timestamp() + interval '700 milliseconds')"
            )
        )

    async def test() -> None:
        async with running(a_runner(database, sweeping.of("living"))):
            await asyncio.sleep(0.2)
            assert sweeping.runs == {}
            await until(sweeping.at_least("living", 1))

    asyncio.run(test())


def test_what_a_frozen_worker_did_after_it_lost_a_chore_is_undone(database: Database) -> None:
    with database.begin() as tx:
        tx.execute(text("CREATE TABLE swept (by text NOT NULL)"))
    begun, thaw = threading.Event(), threading.Event()

    def frozen(tx: Tx, now: datetime) -> bool:
        tx.execute(text("INSERT INTO swept VALUES ('frozen')"))
        begun.set()
        assert thaw.wait(20)
        return False

    def quick(tx: Tx, now: datetime) -> bool:
        tx.execute(text("INSERT INTO swept VALUES ('quick')"))
        return False

    async def test() -> None:
        losing = a_runner(database, Chore("sweep", SOON, frozen, timedelta(milliseconds=200)))
        stop = asyncio.Event()
        lost = asyncio.create_task(losing.run(stop))
        await until(begun.is_set)
        async with running(a_runner(database, Chore("sweep", SOON, quick, timedelta(seconds=60)))):
            await until(lambda: swept(database) != set())
            stop.set()
            thaw.set()
            await lost

    asyncio.run(test())
    assert swept(database) == {"quick"}


def swept(database: Database) -> set[str]:
    with database.begin() as tx:
        return set(tx.execute(text("SELECT by FROM swept")).scalars())


def test_what_every_worker_does_is_done_by_every_worker_and_noted(database: Database) -> None:
    sweeping = Sweeping(lease=None)

    async def test() -> None:
        async with running(*(a_runner(database, sweeping.of(name)) for name in ("first", "second"))):
            await until(lambda: all(sweeping.at_least(name, 3)() for name in ("first", "second")))

    asyncio.run(test())
    assert (state(database).holder, state(database).failures) == (None, 0)


def test_a_chore_that_fails_is_counted_noted_and_keeps_no_other_from_its_work(database: Database) -> None:
    broken, sweeping, metrics = threading.Event(), Sweeping(), Metrics()
    broken.set()

    def mend(tx: Tx, now: datetime) -> bool:
        if broken.is_set():
            tx.execute(text("SELECT 1 FROM nowhere"))
        return False

    async def test() -> None:
        chores = [Chore("mend", SOON, mend, timedelta(seconds=1)), sweeping.of("only")]
        async with running(ChoreRunner(database, chores, ChoreMetrics(metrics))):
            await until(lambda: counted(metrics, "andon_chores_failed_total", "mend") >= 2)
            await until(sweeping.at_least("only", 2))
            failing = state(database, "mend")
            assert failing.failures >= 1
            assert failing.last_run_at is None
            assert failing.last_error is not None
            assert 'relation "nowhere" does not exist' in failing.last_error
            findings = {one.check: one for one in examine_chores(database)}
            assert findings["chore mend"].state is DoctorState.WRONG
            assert "has not run yet; failed" in findings["chore mend"].found
            assert findings["chore sweep"].state is DoctorState.FINE
            broken.clear()
            await until(lambda: state(database, "mend").failures == 0)

    asyncio.run(test())
    assert state(database, "mend").last_error is not None, "it stays to be seen"
    assert counted(metrics, "andon_chores_failed_total", "sweep") == 0
    assert counted(metrics, "andon_chore_runs_total", "mend") >= 1
    assert {one.check: one.state for one in examine_chores(database)}["chore mend"] is DoctorState.FINE


def counted(metrics: Metrics, name: str, chore: str) -> float:
    families = text_string_to_metric_families(metrics.text().decode())
    return next(s.value for f in families for s in f.samples if s.name == name and s.labels == {"chore": chore})


def test_a_chore_that_is_poked_runs_at_once_and_one_with_more_to_do_goes_on(database: Database) -> None:
    left = [0]
    runs: list[int] = []

    def work(tx: Tx, now: datetime) -> bool:
        runs.append(left[0])
        left[0] = max(left[0] - 1, 0)
        return left[0] > 0

    async def test() -> None:
        runner = a_runner(database, Chore("work", timedelta(minutes=1), work))
        async with running(runner):
            await until(lambda: runs == [0])
            left[0] = 3
            runner.poke("work")
            await until(lambda: runs == [0, 3, 2, 1])

    asyncio.run(test())


def test_a_chore_that_nobody_runs_is_worth_a_warning(database: Database) -> None:
    with database.begin() as tx:
        tx.execute(
            text(
                "INSERT INTO chores (name, interval_seconds, last_run_at) "
                "VALUES ('seal', 5, clock_timestamp() - interval '1 hour'), ('prune', 600, clock_timestamp())"
            )
        )
    found = {one.check: one.state for one in examine_chores(database)}
    assert found == {"chore seal": DoctorState.WARNING, "chore prune": DoctorState.FINE}
