"""The face of the slice over a real database, for tests that hold it to tiles in memory."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from andon.authoring import Window
from andon.features import Delta, Needs, Snapshot, columns_of, has_more, insert_sql, prune, read, register
from andon.kernel.db import Database

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
VELOCITY = Window("amount", by="account", over=("10m", "1h", "24h"), aggregates=("count", "sum", "mean", "min", "max"))


class PostgresTiles:
    """What reads, writes and prunes tiles in PostgreSQL, with a connection for each call."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self, needs: Needs) -> Snapshot:
        async def go() -> Snapshot:
            async with self._connection() as connection:
                return await read(connection, needs)

        return asyncio.run(go())

    def write(self, deltas: Iterable[Delta]) -> None:
        """By the driver, as part of a larger statement; how they grow is said before."""
        self._register(deltas := list(deltas))

        async def go() -> None:
            async with self._connection() as connection:
                more = has_more(deltas)
                statement = f"WITH tiles AS ({insert_sql(2, more=more)}) SELECT $1::text"
                await connection.fetchval(statement, "recorded", *columns_of(deltas, more=more))

        asyncio.run(go())

    def write_prepared(self, deltas: Sequence[Delta]) -> None:
        """By statements that are prepared, as the ledger is written."""

        async def go() -> None:
            more = has_more(deltas)
            statements = await self._database.statements()
            await statements.execute(insert_sql(1, more=more), *columns_of(deltas, more=more))
            statements.close()

        asyncio.run(go())

    def prune(self, now: datetime) -> int:
        with self._database.begin() as tx:
            return prune(tx, now)

    def _register(self, deltas: Sequence[Delta]) -> None:
        with self._database.begin() as tx:
            register(tx, {delta.series for delta in deltas})

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Any]:
        connection = await self._database.connect()
        try:
            yield connection
        finally:
            await connection.close()
