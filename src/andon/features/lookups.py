"""Reading rows for lookups: one query per lookup and batch, for the keys without a fresh row in the cache.

A failed read is reported for the keys concerned; it never fails the batch. Each process has its own cache.
"""

from collections.abc import Callable, Mapping, Sequence
from time import monotonic
from typing import Any

import asyncpg

from andon.authoring import Lookup, span_of
from andon.features.domain import Found, Looked, WantedRows
from andon.features.errors import FeatureFailed
from andon.kernel.db import CONNECTION_LOST

ROOM = 50_000
"""The most keys remembered per lookup; the oldest are forgotten first."""

_KEY_TYPE = """
SELECT format_type(a.atttypid, NULL) FROM pg_attribute AS a
WHERE a.attrelid = to_regclass($1) AND a.attname = $2 AND a.attnum > 0 AND NOT a.attisdropped
"""


class Lookups:
    """The lookups of a process's lines, with a cache of recent reads. Use from one event loop."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._known: dict[Lookup, _Known] = {}

    async def read(self, connection: asyncpg.Connection, wanted: Sequence[WantedRows]) -> Looked:
        """Return the rows that a batch wants. Raises the errors in CONNECTION_LOST."""
        return {one.lookup: await self._known_of(one.lookup).get(connection, one.keys) for one in wanted}

    def _known_of(self, lookup: Lookup) -> "_Known":
        known = self._known.get(lookup)
        if known is None:
            known = self._known[lookup] = _Known(lookup, self._clock)
        return known


class _Known:
    """The known rows of one lookup; a key without a row is cached as such."""

    def __init__(self, lookup: Lookup, clock: Callable[[], float]) -> None:
        self._lookup = lookup
        self._clock = clock
        self._fresh = span_of(lookup.fresh).total_seconds()
        self._rows: dict[str, tuple[float, Mapping[str, Any] | None]] = {}
        self._sql: str | None = None

    async def get(self, connection: asyncpg.Connection, keys: Sequence[str]) -> Mapping[str, Found]:
        now = self._clock()
        stale = [key for key in keys if key not in self._rows or now - self._rows[key][0] > self._fresh]
        failed = await self._read(connection, stale, now) if stale else {}
        rows = {key: self._rows[key][1] for key in keys if key not in failed}
        found: dict[str, Found] = {key: row for key, row in rows.items() if row is not None}
        while len(self._rows) > ROOM:
            del self._rows[next(iter(self._rows))]
        return found | failed

    async def _read(self, connection: asyncpg.Connection, keys: Sequence[str], now: float) -> dict[str, FeatureFailed]:
        """Query these keys; if that fails for all together, query each alone, since one key may be malformed."""
        try:
            rows = await self._fetch(connection, keys)
        except CONNECTION_LOST:
            raise
        except asyncpg.PostgresError as error:
            if isinstance(error, asyncpg.DataError) and len(keys) > 1:
                failed: dict[str, FeatureFailed] = {}
                for key in keys:
                    failed |= await self._read(connection, [key], now)
                return failed
            self._sql = None
            return {key: self._failure(str(error)) for key in keys}
        except FeatureFailed as error:
            return dict.fromkeys(keys, error)
        twice = {key: self._failure("has several rows for one key") for key, found in rows.items() if len(found) > 1}
        for key in keys:
            self._rows.pop(key, None)
            if key not in twice:
                self._rows[key] = (now, rows[key][0] if key in rows else None)
        return twice

    async def _fetch(self, connection: asyncpg.Connection, keys: Sequence[str]) -> dict[str, list[Mapping[str, Any]]]:
        if self._sql is None:
            self._sql = await self._statement(connection)
        found: dict[str, list[Mapping[str, Any]]] = {}
        for record in await connection.fetch(self._sql, list(keys)):
            values = dict(record)
            found.setdefault(keys[values.pop("andon_number") - 1], []).append(values)
        return found

    async def _statement(self, connection: asyncpg.Connection) -> str:
        lookup = self._lookup
        kind = await connection.fetchval(_KEY_TYPE, quoted_table(lookup), lookup.key or lookup.by)
        if kind is None:
            raise self._failure(f"no table has a column {lookup.key or lookup.by!r}")
        return lookup_sql(lookup, kind)

    def _failure(self, why: str) -> FeatureFailed:
        return FeatureFailed(f"Lookup in {self._lookup.table!r}: {why}")


def quoted_table(lookup: Lookup) -> str:
    """Return the table's name quoted for SQL. Declarations hold plain names only."""
    return ".".join(f'"{word}"' for word in lookup.table.split("."))


def columns_read(lookup: Lookup) -> list[str]:
    """Return the columns a lookup reads."""
    return list(dict.fromkeys((*lookup.columns, *filter(None, (lookup.updated,)))))


def lookup_sql(lookup: Lookup, key_type: str) -> str:
    """Return the query for a list of keys. It reads at most two rows of a key: enough to see that it is not unique."""
    columns = ", ".join(f'"{column}"' for column in columns_read(lookup))
    return (
        "SELECT k.number AS andon_number, r.* FROM unnest($1::text[]) WITH ORDINALITY AS k(value, number) CROSS "
        "JOIN LATERAL "
        f'(SELECT {columns} FROM {quoted_table(lookup)} AS t WHERE t."{lookup.key or lookup.by}" = '
        f"k.value::{key_type} LIMIT 2) AS r"
    )
