"""An open data file: its columns, and its rows in file order, a batch at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb

from andon.datafile.errors import unreadable
from andon.datafile.values import Value

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CELLS = 200_000
_BATCH = 2048
_SEED = 42


@dataclass(frozen=True, slots=True)
class DataFile:
    """An open data file. `source` is SQL for its cells as columns c0, c1, ...

    `types` are the types of the columns, "NESTED" if unusable. `path` names the file in messages. `notices` tell how it
    was read if that was not obvious.
    """

    path: object
    names: tuple[str, ...]
    types: tuple[str, ...]
    source: str
    connection: duckdb.DuckDBPyConnection
    notices: tuple[str, ...] = ()

    def count(self) -> int:
        """Count the rows."""
        try:
            found = self.connection.cursor().execute(f"SELECT count(*) FROM ({self.source})").fetchone()
        except duckdb.Error as error:
            raise unreadable(self.path, error) from error
        return int(found[0]) if found else 0

    def rows(self, *, most: int | None = None) -> Iterator[dict[str, Value]]:
        """Yield the rows in the file's order; if there are more than `most`, a seeded sample of `most`."""
        for values in self.tuples(most=most):
            yield dict(zip(self.names, values, strict=True))

    def tuples(self, *, most: int | None = None, cells: int | None = None) -> Iterator[tuple[Any, ...]]:
        """Yield the rows as tuples: at most `most` rows and at most `cells` cells, by a seeded sample."""
        if cells is not None:
            fitting = max(1, cells // max(1, len(self.names)))
            most = fitting if most is None else min(most, fitting)
        rows = None if most is None else self.count()
        if most is None or rows is None or rows <= most:
            return self._fetched(self.connection.cursor(), f"SELECT * FROM ({self.source})")
        return self._sampled(rows, most)

    def _sampled(self, rows: int, most: int) -> Iterator[tuple[Any, ...]]:
        """Yield a sample: the rows whose numbers have the lowest hashes. Holds at most one batch of rows at a time."""
        cursor, drawn = self.connection.cursor(), f"hash(number + {_SEED})"
        hashes = f"SELECT {drawn} AS h FROM range(1, {rows + 1}) AS numbers(number) ORDER BY h LIMIT {most}"
        highest = cursor.execute(f"SELECT max(h) FROM ({hashes})").fetchall()[0][0]
        numbered = f"SELECT *, row_number() OVER () AS number FROM ({self.source})"
        yield from self._fetched(
            cursor, f"SELECT * EXCLUDE (number) FROM ({numbered}) WHERE {drawn} <= {highest}::UBIGINT"
        )

    def rows_by_time(self, name: str) -> Iterator[tuple[int, datetime | None, dict[str, Value]]]:
        """Yield the rows by the times in a column, each with its number (from 1) and its time in UTC.

        Rows of the same time stay in the file's order. A row without a readable time comes first, with None. The sort
        uses disk where memory does not suffice.
        """
        time = f"TRY_CAST(CAST(c{self.names.index(name)} AS VARCHAR) AS TIMESTAMPTZ)"
        numbered = f"SELECT *, row_number() OVER () AS number, {time} AS moment FROM ({self.source})"
        chosen = f"SELECT number, epoch_us(moment), * EXCLUDE (number, moment) FROM ({numbered})"
        self.connection.execute("SET TimeZone = 'UTC'")
        ordered = f"{chosen} ORDER BY moment NULLS FIRST, number"
        for number, moment, *values in self._fetched(self.connection.cursor(), ordered):
            at = None if moment is None else _EPOCH + timedelta(microseconds=moment)
            yield number, at, dict(zip(self.names, values, strict=True))

    def _fetched(self, cursor: duckdb.DuckDBPyConnection, query: str) -> Iterator[tuple[Any, ...]]:
        batch_rows = max(1, min(_BATCH, _CELLS // max(1, len(self.names))))
        try:
            found = cursor.execute(query)
            while batch := found.fetchmany(batch_rows):
                yield from batch
        except duckdb.Error as error:
            raise unreadable(self.path, error) from error
