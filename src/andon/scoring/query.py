"""The rows of an SQL query, stored once in a file, so that a run has the same rows in the same order each time.

The query runs in a read-only transaction. The file stays until the run is over. Its first line has the names of the
columns to keep. Each further line is one row: the values of these columns as a JSON array, a tab, and the row for the
contract.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import psycopg
from psycopg import sql
from pydantic_core import from_json, to_json

from andon import datafile
from andon.kernel import files
from andon.kernel.session import options_of
from andon.scoring.errors import ColumnMissing, QueryInvalid, QueryUnavailable
from andon.scoring.sources import SourceRow

_AT_ONCE = 2_000
_ONE_LINE = str.maketrans("\t\r\n", "   ")
"""In JSON text these characters stand between values only."""


class Fetched:
    """The rows that a query gave."""

    def __init__(self, file: Path, left_out: Sequence[str] = ()) -> None:
        self._file = file
        self.left_out = left_out
        self.notices: Sequence[str] = ()

    @property
    def keep(self) -> tuple[str, ...]:
        """The columns to be carried into the output."""
        with self._file.open("rb") as lines:
            return tuple(from_json(lines.readline()))

    def count(self) -> int:
        """How many rows there are."""
        return sum(1 for _ in self)

    def __iter__(self) -> Iterator[SourceRow]:
        with self._file.open("rb") as lines:
            lines.readline()
            for line in lines:
                kept, _, raw = line.partition(b"\t")
                yield SourceRow(raw.rstrip(b"\n"), tuple(from_json(kept)))


def fetch(
    url: str, query: str, wanted: Sequence[str], keep: Sequence[str], into: Path, told: Callable[[int], None]
) -> list[str]:
    """Write the rows of the query with the columns in `wanted` and `keep`; return the names of the other columns.

    `told` receives counts of rows as they arrive. Raises QueryInvalid, ColumnMissing and QueryUnavailable; no message
    contains the address.
    """
    if not datafile.is_postgresql(url):
        return _fetch_elsewhere(url, query, wanted, keep, into, told)
    text = query.strip().rstrip(";")
    draft = into.with_name(f"{into.name}.part")
    try:
        with psycopg.connect(url, connect_timeout=10, options=options_of(url)) as connection:
            connection.read_only = True
            names = _columns(connection, text)
            taken = _chosen(names, wanted, keep)
            _write(connection, text, taken, keep, draft, told)
        draft.replace(into)
    except psycopg.OperationalError as error:
        if error.sqlstate is None or error.sqlstate.startswith(("08", "57P")):
            raise QueryUnavailable("The query's database does not answer, or refused the connection") from error
        raise QueryInvalid(f"The query cannot be carried out: {_said(error)}") from error
    except psycopg.Error as error:
        raise QueryInvalid(f"The query cannot be carried out: {_said(error)}") from error
    finally:
        draft.unlink(missing_ok=True)
    return [name for name in names if name not in taken and name not in keep]


def _fetch_elsewhere(
    url: str, query: str, wanted: Sequence[str], keep: Sequence[str], into: Path, told: Callable[[int], None]
) -> list[str]:
    """Do what `fetch` does, on any other database that SQLAlchemy reaches."""
    draft = into.with_name(f"{into.name}.part")
    try:
        with datafile.rows_of(query, url) as (names, rows):
            taken = _chosen(names, wanted, keep)
            at = {name: number for number, name in enumerate(names)}
            with _private(draft) as file:
                file.write(to_json(list(keep)) + b"\n")
                for row in rows:
                    kept = to_json([None if row[at[name]] is None else str(row[at[name]]) for name in keep])
                    given = to_json({name: row[at[name]] for name in taken}, fallback=str, inf_nan_mode="null")
                    file.write(kept + b"\t" + given + b"\n")
                    told(1)
        draft.replace(into)
    finally:
        draft.unlink(missing_ok=True)
    return [name for name in names if name not in taken and name not in keep]


def _chosen(names: Sequence[str], wanted: Sequence[str], keep: Sequence[str]) -> list[str]:
    missing = sorted(set(keep) - set(names))
    if missing:
        raise ColumnMissing(f"The query has no column {missing[0]!r} to keep; it has {', '.join(names)}")
    taken = [name for name in names if name in wanted]
    if not taken:
        raise QueryInvalid(f"None of the query's columns is in the contract; it has {', '.join(names)}")
    return taken


@contextmanager
def _private(draft: Path) -> Iterator[IO[bytes]]:
    """Open a file that its owner alone can read, new, and no link to another."""
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        files.give_to_folder_owner(file.fileno(), draft.parent)
        yield file


def _columns(connection: psycopg.Connection, text: str) -> list[str]:
    described = connection.execute(f"SELECT * FROM (\n{text}\n) AS rows LIMIT 0".encode()).description or []
    names = [column.name for column in described]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise QueryInvalid(f"The query has two columns called {twice[0]!r}; rename one with AS")
    return names


def _write(
    connection: psycopg.Connection,
    text: str,
    taken: Sequence[str],
    keep: Sequence[str],
    draft: Path,
    told: Callable[[int], None],
) -> None:
    row = sql.SQL(", ").join(map(sql.Identifier, taken)).as_string(connection)
    kept = sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(name)) for name in keep).as_string(connection)
    lines = (
        f"SELECT json_build_array({kept})::text, row_to_json((SELECT r FROM (SELECT {row}) AS r))::text "
        f"FROM (\n{text}\n) AS rows"
    )
    with _private(draft) as file, connection.cursor(name="andon_rows") as cursor:
        file.write(to_json(list(keep)) + b"\n")
        cursor.execute(lines.encode())
        while batch := cursor.fetchmany(_AT_ONCE):
            file.writelines(
                f"{kept.translate(_ONE_LINE)}\t{given.translate(_ONE_LINE)}\n".encode() for kept, given in batch
            )
            told(len(batch))


def _said(error: psycopg.Error) -> str:
    """Return PostgreSQL's message, without its position: that counts in the whole statement, not in the query."""
    return error.diag.message_primary or type(error).__name__
