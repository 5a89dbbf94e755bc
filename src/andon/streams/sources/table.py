"""A table in PostgreSQL as a log: its rows in the order of a growing number, none of them missed.

Numbers are drawn when a row is inserted and seen when its transaction commits, which may be in another order. So a row
is read only when no lower number can appear any more: every transaction that had the table open for writing when the
row was first seen has ended. (The oldest running transaction is no such bound: an older one may draw a higher number.)
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from time import perf_counter
from typing import Any

import asyncpg
from pydantic_core import from_json

from andon.kernel.db import CONNECTION_LOST
from andon.streams.errors import SeekInvalid, SourceUnavailable, StreamMissing
from andon.streams.ports import Arrival

SHORTEST_PAUSE, LONGEST_PAUSE = 0.01, 0.2
"""Seconds between two looks at a table: longer each time there is nothing new."""

_DATED = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
"""The beginning of a time in the years 1 to 9999, as PostgreSQL writes it."""


@dataclass(frozen=True, slots=True)
class TableLayout:
    """A table and the parts of its rows, as SQL; `partitions` holds the condition of each partition."""

    relation: str
    position: str
    data: str
    partitions: Mapping[str, str]
    at: str | None = None
    key: str | None = None
    headers: str | None = None
    caller: str | None = None


@dataclass(slots=True)
class _Seen:
    """The number up to which all rows are final, and the writers that must end before that holds up to `most`."""

    final: int = -1
    most: int = -1
    writers: Sequence[str] = ()
    pause: float = SHORTEST_PAUSE


class TableSource:
    """Reads one table on a connection of its own."""

    def __init__(self, connect: Callable[[], Awaitable[asyncpg.Connection]], layout: TableLayout, shown: str) -> None:
        self._connect = connect
        self._layout = layout
        self._shown = shown
        self._connection: asyncpg.Connection | None = None
        self._one_at_a_time = asyncio.Lock()
        self._seen: dict[str, _Seen] = {name: _Seen() for name in layout.partitions}

    async def partitions(self) -> Sequence[str]:
        """Return the partitions of the layout."""
        await self._ask(f"SELECT {self._layout.position} FROM {self._layout.relation} AS t LIMIT 0")
        return list(self._layout.partitions)

    async def start(self, partition: str) -> int:
        """Return the least number."""
        least = await self._extreme("min", partition)
        return 0 if least is None else least

    async def end(self, partition: str) -> int:
        """Return the position after the greatest number."""
        most = await self._extreme("max", partition)
        return 0 if most is None else most + 1

    async def position_at(self, partition: str, moment: datetime) -> int:
        """Return the least number of the rows that were created then or later."""
        if self._layout.at is None:
            raise SeekInvalid(f"{self._shown} does not say when a row was created: name that column with `at`")
        at = f"WHERE {self._layout.at}::timestamptz >= $1"
        found = await self._ask(
            f"SELECT min({self._layout.position}) FROM {self._layout.relation} AS t {at} AND "
            f"{self._condition(partition)}",
            moment,
        )
        return await self.end(partition) if found[0][0] is None else int(found[0][0])

    async def read(self, partition: str, position: int, *, most: int, wait: float) -> Sequence[Arrival]:
        """Return rows from a number on, as far as none can appear below them any more."""
        until = perf_counter() + wait
        seen = self._seen[partition]
        while True:
            if seen.final >= position and (found := await self._rows(partition, position, seen.final, most)):
                seen.pause = SHORTEST_PAUSE
                return found
            if not await self._look(partition, seen, position):
                if perf_counter() >= until:
                    return []
                await asyncio.sleep(SHORTEST_PAUSE if seen.writers else seen.pause)
                seen.pause = min(2 * seen.pause, LONGEST_PAUSE)

    async def close(self) -> None:
        """Close the connection."""
        connection, self._connection = self._connection, None
        if connection is not None and not connection.is_closed():
            await connection.close()

    async def _look(self, partition: str, seen: _Seen, position: int) -> bool:
        """Find out whether more is final; False if not yet."""
        layout = self._layout
        if not seen.writers:
            ((greatest, writers),) = await self._ask(
                f"SELECT (SELECT max({layout.position}) FROM {layout.relation} AS t WHERE "
                f"{self._condition(partition)}), ARRAY(SELECT virtualtransaction FROM pg_locks WHERE locktype = "
                "'relation' AND mode = 'RowExclusiveLock' AND granted AND relation = $1::regclass AND database = "
                "(SELECT oid FROM pg_database WHERE datname = current_database()))",
                layout.relation,
            )
            if greatest is None or greatest < position or greatest <= seen.final:
                return False
            seen.most, seen.writers = int(greatest), writers
        if seen.writers:
            found = await self._ask(
                "SELECT DISTINCT virtualtransaction FROM pg_locks WHERE locktype = 'relation' AND relation = "
                "$1::regclass AND mode = 'RowExclusiveLock' AND virtualtransaction = ANY($2::text[])",
                layout.relation,
                seen.writers,
            )
            seen.writers = [row[0] for row in found]
        if seen.writers:
            return False
        seen.final = seen.most
        return True

    async def _rows(self, partition: str, position: int, final: int, most: int) -> list[Arrival]:
        layout = self._layout
        # As text, because a moment that Python cannot hold would break the whole answer.
        at = f"{layout.at}::text" if layout.at else "NULL"
        found = await self._ask(
            f"SELECT {layout.position}, {layout.data}, {layout.key or 'NULL'}, {at}, "
            f"{layout.headers or 'NULL'}, {layout.caller or 'NULL'} FROM {layout.relation} AS t "
            f"WHERE {layout.position} BETWEEN $1 AND $2 AND {self._condition(partition)} ORDER BY "
            f"{layout.position} LIMIT $3",
            position,
            final,
            most,
        )
        return [_arrival(*row) for row in found]

    async def _extreme(self, which: str, partition: str) -> int | None:
        layout = self._layout
        found = await self._ask(
            f"SELECT {which}({layout.position}) FROM {layout.relation} AS t WHERE {self._condition(partition)}"
        )
        return None if found[0][0] is None else int(found[0][0])

    def _condition(self, partition: str) -> str:
        try:
            return self._layout.partitions[partition]
        except KeyError:
            raise StreamMissing(f"{self._shown} has no partition {partition!r}") from None

    async def _ask(self, statement: str, *parameters: object) -> Sequence[Sequence[Any]]:
        """Run one query, which sees what is committed when it begins. Raises SourceUnavailable, StreamMissing."""
        async with self._one_at_a_time:
            try:
                if self._connection is None or self._connection.is_closed():
                    self._connection = await self._connect()
                found: Sequence[Sequence[Any]] = await self._connection.fetch(statement, *parameters)
            except (asyncpg.UndefinedTableError, asyncpg.InvalidSchemaNameError):
                raise StreamMissing(f"There is no table {self._shown}") from None
            except asyncpg.UndefinedColumnError as error:
                raise StreamMissing(f"{self._shown}: {error}") from None
            except asyncpg.InsufficientPrivilegeError:
                raise StreamMissing(f"This database user may not read {self._shown}") from None
            except (asyncpg.PostgresError, *CONNECTION_LOST) as error:
                if self._connection is not None:
                    self._connection.terminate()
                self._connection = None
                raise SourceUnavailable(
                    f"The database of {self._shown} does not answer ({type(error).__name__})"
                ) from error
            return found


def table_source(
    connect: Callable[[], Awaitable[asyncpg.Connection]], name: str, *, number: str, at: str, key: str
) -> TableSource:
    """Return a source of a table's rows as JSON objects."""
    return TableSource(
        connect,
        TableLayout(
            relation=".".join(quoted(part) for part in name.split(".")),
            position=f"t.{quoted(number)}::bigint",
            data="row_to_json(t)::text",
            partitions={"0": "true"},
            at=f"t.{quoted(at)}" if at else None,
            key=f"t.{quoted(key)}::text" if key else None,
        ),
        name,
    )


def quoted(name: str) -> str:
    """Quote a name for SQL."""
    return '"' + name.replace('"', '""') + '"'


def _arrival(
    number: int, data: str | bytes, key: object, at: str | None, headers: str | None, caller: str | None
) -> Arrival:
    """Return one row as an arrival, with the reason if its time cannot be read."""
    moment = unreadable = None
    if at is not None:
        moment = _moment(at)
        if moment is None:
            unreadable = f"Its row was created at {at[:60]!r}; expected a time in the years 1 to 9999"
    return Arrival(
        number,
        data if isinstance(data, bytes) else str(data).encode(),
        {} if headers is None else from_json(headers),
        None if key is None else str(key),
        moment,
        caller,
        unreadable,
    )


def _moment(at: str) -> datetime | None:
    """Parse a time as PostgreSQL writes it into UTC, its default zone; None if malformed or beyond Python's range."""
    if not _DATED.match(at):
        return None
    try:
        moment = datetime.fromisoformat(at)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
