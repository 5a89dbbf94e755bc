"""A file of labels, in chunks for `andon labels import`. All rows about one decision are in one chunk.

The rows are first sorted by decision, outside memory. So the order of the rows does not matter, and the decisions of
a chunk lie close together in the ledger.
"""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from pydantic_core import from_json, to_json

from andon import scoring
from andon.datafile import DataFileInvalid
from andon.kernel.errors import Invalid
from andon.labels import FIELDS

ROWS = 2_000
"""The least number of rows in one chunk, unless the file ends."""

MOST = 4_000
"""The most rows in one chunk, reached only by a file with far too many rows about one decision."""

BESIDE = ("row", "refused")
"""Columns of a file of refused rows, which can be corrected and imported again."""


class ColumnsWrong(Invalid):
    """The columns of the file are not those of labels."""


class Given(NamedTuple):
    """One row of a file: its number from 1, and its values, or the text that is not a JSON object."""

    number: int
    raw: bytes

    @property
    def values(self) -> Mapping[str, Any] | None:
        """The values by name, without nulls and the columns BESIDE the label; None if the row is no JSON object."""
        try:
            values = from_json(self.raw)
        except ValueError:
            return None
        if not isinstance(values, dict):
            return None
        return {name: value for name, value in values.items() if name not in BESIDE and value is not None}


class Staged:
    """The rows of one file, sorted by decision."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def count(self) -> int:
        """Count the rows."""
        return int(self._connection.execute("SELECT count(*) FROM given").fetchone()[0])

    def chunks(self) -> Iterator[list[Given]]:
        """Yield the rows in chunks. A decision is divided only beyond MOST rows."""
        chunk: list[Given] = []
        last = None
        query = "SELECT decision, number, raw FROM given ORDER BY decision, number"
        for decision, number, raw in self._connection.execute(query):
            if len(chunk) >= MOST or (len(chunk) >= ROWS and decision != last):
                yield chunk
                chunk = []
            chunk.append(Given(number, raw))
            last = decision
        if chunk:
            yield chunk


@contextmanager
def staged(path: Path) -> Iterator[Staged]:
    """Read a file and sort its rows, for the length of the block. Raises DataFileInvalid, ColumnsWrong."""
    with (
        TemporaryDirectory(prefix="andon-") as folder,
        closing(sqlite3.connect(Path(folder, "rows.sqlite"), isolation_level=None)) as connection,
    ):
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("CREATE TABLE given (decision TEXT, number INTEGER, raw BLOB)")
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO given VALUES (?, ?, ?)", _rows(path))
        connection.execute("COMMIT")
        yield Staged(connection)


def _rows(path: Path) -> Iterator[tuple[str, int, bytes]]:
    if not path.is_file():
        raise DataFileInvalid(f"There is no file {path}")
    with scoring.opened(path, (*FIELDS, *BESIDE), ()) as rows:
        if rows.left_out:
            known = ", ".join(FIELDS)
            raise ColumnsWrong(f"{path} has a column {rows.left_out[0]!r}; a file of labels may have {known}")
        for number, row in enumerate(rows, 1):
            given = Given(number, to_json(row.error) if row.raw is None else row.raw)
            yield _key((given.values or {}).get("decision_id")), number, given.raw


def _key(decision: object) -> str:
    """Return a decision's id in one form, however it is written."""
    return str(decision).strip().replace("-", "").lower()
