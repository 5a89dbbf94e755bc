"""Whoever has something to do is woken, and nobody else; through the loss of the connection too."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest
import structlog
from msgspec.structs import replace
from sqlalchemy import text

from andon import decisions
from andon.kernel import outbox
from andon.kernel.db import Database
from andon.kernel.lookout import Lookout, first_of
from messages import an_action, put

NOW = datetime.now(UTC)


def looking(lookout: Lookout, work: Callable[[], Awaitable[None]]) -> None:
    async def run() -> None:
        stop = asyncio.Event()
        async with asyncio.timeout(20), asyncio.TaskGroup() as group:
            group.create_task(lookout.run(stop))
            await work()
            stop.set()

    asyncio.run(run())


def sees(database: Database, sign: str) -> bool:
    with database.begin() as tx:
        return bool(tx.execute(text(f"SELECT {sign}")).scalar_one())


def until_asleep(database: Database) -> None:
    asleep = "EXISTS (SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database())"
    while not sees(database, asleep):
        time.sleep(0.01)


def test_only_those_are_woken_for_whom_there_is_something(database: Database) -> None:
    lookout, woken, times = Lookout(database), asyncio.Event(), []
    lookout.watch("false", lambda: times.append("never"))
    lookout.watch("EXISTS (SELECT FROM outbox)", woken.set)
    lookout.watch("true", lambda: times.append("each time"))

    async def work() -> None:
        while len(times) < 3:
            await asyncio.sleep(0.01)
        assert not woken.is_set()
        await asyncio.to_thread(put, database, an_action(NOW))
        await woken.wait()

    looking(lookout, work)
    assert set(times) == {"each time"}


def test_a_lost_connection_is_said_once_and_made_anew(database: Database) -> None:
    lookout, woken = Lookout(database), asyncio.Event()
    lookout.watch("pg_backend_pid() > 0", woken.set)
    others = text(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE 'SELECT pg_backend_pid() > 0%'"
    )

    def end() -> None:
        with database.begin() as tx:
            assert tx.execute(others).scalars().all() == [True]

    async def work() -> None:
        await woken.wait()
        await asyncio.to_thread(end)
        woken.clear()
        await woken.wait()

    with structlog.testing.capture_logs() as logs:
        looking(lookout, work)
    assert [entry["event"] for entry in logs] == ["lookout.sees_nothing"]


def test_nobody_is_woken_where_the_database_cannot_be_asked() -> None:
    lookout, woken = Lookout(Database("postgresql://andon:hush@127.0.0.1:1/andon")), asyncio.Event()
    lookout.watch("true", woken.set)

    async def work() -> None:
        await first_of(woken, within=1.0)

    with structlog.testing.capture_logs() as logs:
        looking(lookout, work)
    assert [entry["event"] for entry in logs] == ["lookout.sees_nothing"]
    assert not woken.is_set()


def test_a_server_that_stands_still_keeps_nobody_from_ending(database: Database) -> None:
    lookout, looked = Lookout(database), asyncio.Event()
    lookout.watch("NOT pg_sleep(60) IS NULL", looked.set)

    async def work() -> None:
        await asyncio.to_thread(until_asleep, database)

    looking(lookout, work)
    assert not looked.is_set()


@pytest.mark.parametrize("within", [0.01, 20.0])
def test_one_event_is_enough_and_so_is_the_end_of_the_time(within: float) -> None:
    async def run() -> None:
        never, soon = asyncio.Event(), asyncio.Event()
        if within > 1:
            asyncio.get_running_loop().call_soon(soon.set)
        async with asyncio.timeout(10):
            await first_of(never, soon, within=within)
        assert soon.is_set() is (within > 1)

    asyncio.run(run())


def test_a_message_is_seen_when_it_is_due_and_one_in_a_lane_as_long_as_it_is_pending(database: Database) -> None:
    later = timedelta(hours=1)
    asked = replace(an_action(NOW), topic=decisions.OPEN_REVIEW)
    reviews, deliveries = map(outbox.waiting_sql, (decisions.OPEN_REVIEW, decisions.DELIVER_ACTION))
    assert not sees(database, reviews)
    put(database, replace(asked, due_at=NOW + later))
    assert not sees(database, reviews)
    put(database, replace(asked, id=an_action(NOW).id, due_at=NOW - later))
    assert sees(database, reviews)
    assert not sees(database, deliveries)
    action = replace(an_action(NOW), due_at=NOW + later)
    put(database, action)
    assert sees(database, deliveries)
    with database.begin() as tx:
        outbox.settle(tx, action.id, outbox.MessageState.DONE, now=NOW)
    assert not sees(database, deliveries)
