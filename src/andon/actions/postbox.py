"""The delivery loop's database access: claims, attempts, answers and conclusions, on three connections of its own.

Entries that arrive during a write are written together by the next one, as one statement and one commit. Two writes may
be under way, so that half of the deliveries are sent while the other half is recorded. A write names its rows, so one
whose commit got no answer is simply repeated on a new connection. Each write of answers includes one audit entry that
vouches for them, in the connection's own chain.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import uuid4

import asyncpg

from andon import audit, decisions
from andon.actions import proving, store
from andon.actions.domain import Attempt, Disabled
from andon.actions.store import PostboxEntry
from andon.kernel import claims
from andon.kernel.claims import Room
from andon.kernel.clock import Clock
from andon.kernel.db import CONNECTION_LOST, Database, DatabaseUnavailable
from andon.kernel.grouping import Grouped
from andon.kernel.outbox import Message

PATIENCE = timedelta(seconds=3)
"""The longest wait of a write for a restarting database, shorter than a claim lasts."""

FLIGHTS = 2

_RECONNECT_SECONDS = 0.05

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Claimed:
    """A claimed message, with its content (None if its decision cannot be read) and the last attempt at it."""

    message: Message
    content: Mapping[str, Any] | None
    last: Attempt | None = None


@dataclass(frozen=True, slots=True)
class TakenMessages:
    """The messages of one claim, and the disabled destinations."""

    claimed: Sequence[Claimed] = ()
    disabled: Mapping[str, Disabled] = field(default_factory=dict)


class Postbox:
    """One process's access to the messages it delivers. Use from one event loop; `close` when done."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._clock = clock
        self._database = database
        self._reading = _Connection(database)
        self._writing = [_Writing(database) for _ in range(FLIGHTS)]
        self._free = list(self._writing)
        self._entries: Grouped[PostboxEntry, None] = Grouped(self._write, flights=FLIGHTS)

    async def take(self, rooms: Sequence[Room], *, elsewhere: int, lease: timedelta) -> TakenMessages:
        """Claim due messages where there is room, and read their content. Raises DatabaseUnavailable."""

        async def read(connection: asyncpg.Connection) -> TakenMessages:
            async with connection.transaction():
                found = await claims.claim(
                    connection, decisions.DELIVER_ACTION, rooms, elsewhere=elsewhere, now=self._clock.now(), lease=lease
                )
                if not found:
                    return TakenMessages()
                tried = [message.id for message in found if message.attempts or message.revived_at]
                last = await store.last_attempts(connection, tried) if tried else {}
                contents = await decisions.contents_of(connection, found)
                claimed = [Claimed(one, contents.get(one.id), last.get(one.id)) for one in found]
                return TakenMessages(claimed, await store.gone(connection))

        return await self._reading.do(read)

    async def write(self, entry: PostboxEntry) -> None:
        """Return once an entry is committed. Raises DatabaseUnavailable."""
        await self._entries.add(entry)

    async def renew(self, held: Sequence[Message], *, until: datetime) -> None:
        """Hold claims for longer. Raises DatabaseUnavailable."""
        await self._reading.do(lambda connection: claims.renew(connection, held, until=until))

    async def close(self) -> None:
        """Close the database connections."""
        for connection in (self._reading, *self._writing):
            await connection.close()

    async def _write(self, entries: Sequence[PostboxEntry]) -> list[None]:
        free = self._free.pop()
        try:
            await free.write(entries, self._clock)
        finally:
            self._free.append(free)
        return [None] * len(entries)


class _Connection:
    """One connection for one task at a time, reopened when it is lost."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: asyncpg.Connection | None = None
        self._one_at_a_time = asyncio.Lock()

    async def do(self, work: Callable[[asyncpg.Connection], Awaitable[T]], *, patience: timedelta = timedelta()) -> T:
        """Do `work`, which may be repeated, within `patience`. Raises DatabaseUnavailable."""
        loop = asyncio.get_running_loop()
        until = loop.time() + patience.total_seconds()
        async with self._one_at_a_time:
            while True:
                try:
                    return await work(await self._connected())
                except CONNECTION_LOST as error:
                    self._let_go()
                    if loop.time() >= until:
                        message = "PostgreSQL does not answer or aborted the work"
                        raise DatabaseUnavailable(message) from error
                except BaseException:
                    self._let_go()  # cancelled or refused in the middle: its state is unknown
                    raise
                await asyncio.sleep(_RECONNECT_SECONDS)

    async def close(self) -> None:
        async with self._one_at_a_time:
            connection, self._connection = self._connection, None
            if connection is not None:
                await connection.close()

    async def _connected(self) -> asyncpg.Connection:
        """Return the connection, reopened if necessary. Any failure to connect is raised as a lost connection."""
        if self._connection is None or self._connection.is_closed():
            try:
                self._connection = await self._database.connect()
            except asyncpg.PostgresError as error:
                raise asyncpg.InterfaceError("no connection") from error
        return self._connection

    def _let_go(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
        self._connection = None


class _Writing(_Connection):
    """A connection for writing, with the audit chain of its writes."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._chain = audit.Chain(uuid4())

    async def write(self, entries: Sequence[PostboxEntry], clock: Clock) -> None:
        """Write a group of entries, with one audit entry for its answers. Raises DatabaseUnavailable."""
        items = [item for entry in entries if (item := entry.answer_item) is not None]

        async def attempt(connection: asyncpg.Connection) -> None:
            now = clock.now()
            chain, self._chain = self._chain, audit.Chain(uuid4())
            leaf = proving.linked(chain, items, now) if items else None
            await store.write(connection, entries, leaf=leaf, now=now)
            if leaf is not None:
                chain.advance(leaf)
            self._chain = chain  # only now: if the end is unknown, the chain is never used again

        await self.do(attempt, patience=PATIENCE)
