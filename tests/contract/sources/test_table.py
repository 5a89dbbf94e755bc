"""A table, and the inbox of HTTP events, keep the contract of sources; rows committed out of order are not missed."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import asyncpg
import pytest
from pydantic_core import from_json
from tests.contract.sources.contract import SourceContract

from andon.kernel.clock import SystemClock
from andon.kernel.db import Database
from andon.streams import Event, ReceivedEvent, Source, receive
from andon.streams.sources import TableSource, inbox_source, table_source

NOBODY = Database("postgresql://nobody@127.0.0.1:1/none")


class TableStage:
    def __init__(self, database: Database, connection: asyncpg.Connection) -> None:
        self._database, self._connection = database, connection
        self.source: Source = self._of(database, "payments")

    async def send(self, data: bytes, *, key: str | None = None, headers: Mapping[str, str] | None = None) -> None:
        del headers, key
        await self._connection.execute("INSERT INTO payments (number) VALUES ($1)", from_json(data)["number"])

    async def again(self) -> TableSource:
        return self._of(self._database, "payments")

    async def elsewhere(self) -> TableSource:
        return self._of(self._database, "nowhere")

    async def unreachable(self) -> TableSource:
        return self._of(NOBODY, "payments")

    def _of(self, database: Database, name: str) -> TableSource:
        return table_source(database.connect, name, number="id", at="came_at", key="")


@asynccontextmanager
async def a_table(database: Database) -> AsyncIterator[asyncpg.Connection]:
    connection = await database.connect()
    await connection.execute(
        "CREATE TABLE payments (id bigint GENERATED ALWAYS AS IDENTITY, number int, came_at timestamptz DEFAULT "
        "clock_timestamp())"
    )
    try:
        yield connection
    finally:
        await connection.close()


class TestTableSource(SourceContract):
    keyed = headed = False

    @pytest.fixture(autouse=True)
    def _in(self, database: Database) -> None:
        self.database = database

    def content(self, data: bytes) -> bytes:
        return b'{"number": %d}' % from_json(data)["number"]

    @asynccontextmanager
    async def stage(self) -> AsyncIterator[TableStage]:
        async with a_table(self.database) as connection:
            stage = TableStage(self.database, connection)
            try:
                yield stage
            finally:
                await stage.source.close()


class InboxStage:
    def __init__(self, database: Database) -> None:
        self._database = database
        self.source: Source = inbox_source(database, "payments")
        self._sent = 0

    async def send(self, data: bytes, *, key: str | None = None, headers: Mapping[str, str] | None = None) -> None:
        del headers
        self._sent += 1
        event = Event(data, "/bank", f"e{self._sent}", "payment.made")
        with self._database.begin() as tx:
            assert receive(tx, [ReceivedEvent(event, "payments", key)], caller="bank", now=SystemClock().now()) == [
                True
            ]

    async def again(self) -> TableSource:
        return inbox_source(self._database, "payments")

    async def elsewhere(self) -> TableSource:
        return table_source(self._database.connect, "nowhere", number="id", at="", key="")

    async def unreachable(self) -> TableSource:
        return inbox_source(NOBODY, "payments")


class TestInboxSource(SourceContract):
    headed = False

    @pytest.fixture(autouse=True)
    def _in(self, database: Database) -> None:
        self.database = database

    @asynccontextmanager
    async def stage(self) -> AsyncIterator[InboxStage]:
        stage = InboxStage(self.database)
        try:
            yield stage
        finally:
            await stage.source.close()


def test_a_row_with_a_moment_beyond_the_calendar_says_none_and_holds_up_no_other(database: Database) -> None:
    async def test() -> None:
        async with a_table(database) as connection:
            moments = ("infinity", "-infinity", "10000-01-01 00:00+00", "2026-11-25 12:00+02")
            for moment in moments:
                await connection.execute(f"INSERT INTO payments (number, came_at) VALUES (1, '{moment}')")
            source = table_source(database.connect, "payments", number="id", at="came_at", key="")
            found = await source.read("0", 0, most=10, wait=5)
            assert [arrival.at for arrival in found] == [None, None, None, datetime(2026, 11, 25, 10, tzinfo=UTC)]
            await source.close()

    asyncio.run(test())


@pytest.mark.parametrize("older_draws_higher", [False, True])
def test_a_row_that_commits_late_is_not_missed(database: Database, older_draws_higher: bool) -> None:
    """Two transactions write side by side; the one that drew the higher number commits first.

    In the second case it is also the older one, so that it lies below the oldest transaction that runs when it is seen.
    """

    async def test() -> None:
        async with a_table(database) as first:
            second = await database.connect()
            source = table_source(database.connect, "payments", number="id", at="", key="")
            late, early = first.transaction(), second.transaction()
            await late.start()
            await early.start()
            if older_draws_higher:
                await second.execute("SELECT pg_current_xact_id()")
            await first.execute("INSERT INTO payments (number) VALUES (1)")
            await second.execute("INSERT INTO payments (number) VALUES (2)")
            await early.commit()
            assert not await source.read("0", 0, most=10, wait=0.3)
            await late.commit()
            found = await source.read("0", 0, most=10, wait=5)
            assert [arrival.position for arrival in found] == [1, 2]
            await source.close()
            await second.close()

    asyncio.run(test())
