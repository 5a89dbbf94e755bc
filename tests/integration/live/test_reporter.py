"""A process is seen while it reports, whole, and not any more when it has ended or gone silent."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from andon import live
from andon.kernel.clock import SystemClock
from andon.kernel.db import Database
from andon.live import ArmCounts, LineCounts, Pool, Process, Reporter, Status, WaitingCounts
from andon.live.reporter import SECONDS
from andon.serving import PoolStatus
from andon.version import __version__

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)

FULL = Status(
    seconds=61.5,
    arms=(ArmCounts("payments", "fraud-risk", 2, 7, {"whole": {140: 5, 150: 2}}, {"ENDPOINT_BUSY": 1}),),
    lines=(LineCounts("payments", 3, 1, 2, {"queue": 4}),),
    waiting={"fraud-risk": WaitingCounts(1, 2, 3)},
    pools=(Pool("fraud-risk", 2, PoolStatus(ready=2, incidents={"crashed": 1}, cold_start_seconds=0.4)),),
    under_way=6,
    lost=1,
    rss_bytes=100_000_000,
)


@dataclass
class FakeClock:
    at: datetime = NOW

    def now(self) -> datetime:
        return self.at


def a_process(number: int, seen_at: datetime = NOW, status: Status = FULL) -> Process:
    return Process(UUID(int=number), "gateway", "here", number, "0.1.0", NOW, seen_at, status)


def reported(database: Database, *processes: Process) -> None:
    for process in processes:
        with database.begin() as tx:
            live.report(tx, process)


def seen(database: Database, now: datetime) -> list[Process]:
    with database.begin() as tx:
        return list(live.processes(tx, now))


async def until(condition: Callable[[], bool]) -> None:
    """Return when this holds."""
    async with asyncio.timeout(20):
        while not await asyncio.to_thread(condition):
            await asyncio.sleep(0.02)


def test_a_status_comes_back_as_it_was_written(database: Database) -> None:
    reported(database, a_process(1))
    assert seen(database, NOW) == [a_process(1)]


def test_a_process_has_one_row_which_counts_for_ten_seconds(database: Database) -> None:
    later = NOW + timedelta(seconds=8)
    reported(database, a_process(1), a_process(2), a_process(1, later, Status(69.0)))
    assert [process.id.int for process in seen(database, later)] == [1, 2]
    (first,) = seen(database, later + live.GONE_AFTER)
    assert (first.id.int, first.status) == (1, Status(69.0))
    assert seen(database, later + live.GONE_AFTER + timedelta(seconds=1)) == []


def test_who_was_silent_for_a_minute_is_forgotten_by_the_next_who_reports(database: Database) -> None:
    reported(database, a_process(1), a_process(2, NOW + timedelta(seconds=70)))
    assert [process.id.int for process in seen(database, NOW)] == [2]


def test_what_a_newer_andon_says_beyond_our_understanding_is_left_out(database: Database) -> None:
    reported(database, a_process(1))
    with database.begin() as tx:
        tx.exec_driver_sql(
            "UPDATE live_processes SET status = (status - 'lost'::text) || jsonb_build_object('mood', 'good')"
        )
    (process,) = seen(database, NOW)
    assert (process.status.lost, process.status.under_way) == (0, 6)


def test_a_reporter_renews_its_row_and_takes_it_away_at_the_end(database: Database) -> None:
    clock, calls = FakeClock(), 0

    def status() -> Status:
        nonlocal calls
        calls += 1
        return Status(seconds=float(calls))

    async def run() -> None:
        reporting = asyncio.create_task(Reporter(database, "worker", clock=clock, status=status).run())
        await until(lambda: bool(seen(database, NOW)))
        (first,) = seen(database, NOW)
        assert (first.part, first.andon, first.started_at) == ("worker", __version__, NOW)
        clock.at = NOW + timedelta(seconds=9)
        await until(lambda: bool(seen(database, NOW + timedelta(seconds=19))))
        (second,) = seen(database, clock.at)
        assert (second.id, second.seen_at, second.status.seconds) == (first.id, clock.at, 2.0)
        reporting.cancel()
        await asyncio.gather(reporting, return_exceptions=True)
        assert seen(database, clock.at) == []

    asyncio.run(run())


def test_a_database_that_is_away_ends_nothing() -> None:
    away = Database("postgresql://andon:secret@127.0.0.1:1/andon")
    asked = asyncio.Event()
    times = 0

    def status() -> Status:
        nonlocal times
        times += 1
        if times == 2:
            asked.set()
        return Status(1.0)

    async def run() -> None:
        reporting = asyncio.create_task(Reporter(away, "gateway", clock=SystemClock(), status=status).run())
        await asyncio.wait_for(asked.wait(), 10 * SECONDS)
        assert not reporting.done()
        reporting.cancel()
        (ended,) = await asyncio.gather(reporting, return_exceptions=True)
        assert isinstance(ended, asyncio.CancelledError)

    asyncio.run(run())
    away.close()
