"""Reads of window tiles, rows of tables and used keys from the database, through outages.

It has connections of its own, so that a query for used keys waits neither for a commit under way nor for other batches'
tiles.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from time import perf_counter
from typing import TypeVar

import asyncpg
import structlog

from andon import features
from andon.decisions import reservations
from andon.decisions.domain import Idempotency
from andon.decisions.errors import LedgerUnavailable
from andon.features import Looked, Lookups, Needs, Snapshot, WantedRows
from andon.kernel.db import CONNECTION_LOST, Database
from andon.kernel.session import BY_INDEX

T = TypeVar("T")

log = structlog.get_logger(__name__)

PATIENCE = timedelta(seconds=8)
"""The time that a batch waits for a restarting database before its callers must try again."""

RECONNECT_SECONDS = 0.05


class FeatureReader:
    """Reads with patience. Use from one event loop; `close` when done."""

    def __init__(self, database: Database) -> None:
        self._state, self._keys = _Patient(database), _Patient(database)
        self._lookups = Lookups()

    async def open(self) -> None:
        """Connect ahead of the first batch. A server that is unavailable now is tried again then."""
        with suppress(*CONNECTION_LOST):
            await self._state.connected()

    async def read(self, needs: Needs) -> Snapshot:
        """Return the feature state that a batch needs. Raises LedgerUnavailable."""
        return await self._state.ask(lambda connection: features.read(connection, needs))

    async def look_up(self, wanted: Sequence[WantedRows]) -> Looked:
        """Return the rows that a batch needs, reading those without a fresh enough copy. Raises LedgerUnavailable."""
        return await self._state.ask(lambda connection: self._lookups.read(connection, wanted))

    async def used(self, keys: Sequence[Idempotency]) -> set[tuple[str, str]]:
        """Return those of these keys that have a decision, as scope and key. Raises LedgerUnavailable."""
        return await self._keys.ask(lambda connection: reservations.used(connection, keys))

    async def close(self) -> None:
        """Close the database connections."""
        await self._state.close()
        await self._keys.close()


class _Patient:
    """One connection for one query at a time, repeated on a new connection while the database is away."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: asyncpg.Connection | None = None
        self._one_at_a_time = asyncio.Lock()

    async def ask(self, question: Callable[[asyncpg.Connection], Awaitable[T]]) -> T:
        """Return the database's answer to a query. Raises LedgerUnavailable."""
        async with self._one_at_a_time:
            deadline = perf_counter() + PATIENCE.total_seconds()
            while True:
                try:
                    return await question(await self.connected())
                except CONNECTION_LOST as error:
                    self._let_go()
                    if perf_counter() > deadline:
                        log.error("ledger.unreadable", error=type(error).__name__)
                        raise LedgerUnavailable() from error
                    await asyncio.sleep(RECONNECT_SECONDS)

    async def connected(self) -> asyncpg.Connection:
        if self._connection is None or self._connection.is_closed():
            self._connection = await self._database.connect(**BY_INDEX)
        return self._connection

    async def close(self) -> None:
        if self._connection is not None:
            await self._connection.close()

    def _let_go(self) -> None:
        """Give up a connection whose state is unknown."""
        if self._connection is not None:
            self._connection.terminate()
        self._connection = None
