"""Data files: a CSV or Parquet file as rows of raw values, read the same way by `andon init`, a training script and `andon decide`.

A row holds what a caller would send as JSON: text as it stands in a CSV (stripped), numbers, booleans and ISO 8601 times
from Parquet, and None for what is missing. Giving these values types is the contract's matter.
"""

import codecs
import csv
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias

import duckdb

from andon.kernel.errors import Invalid

Value: TypeAlias = str | int | float | bool | None

MISSING = (
    "",
    "na",
    "n/a",
    "nan",
    "null",
    "<na>",
    "nat",
    "#n/a",
    "#na",
    "?",
    "-",
    "inf",
    "-inf",
    "+inf",
    "infinity",
    "-infinity",
)
"""Spellings of a missing value, in any case. Infinity counts as missing: JSON cannot carry it. So does `None`, as written."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DELIMITERS = ",;\t|"
_MEMORY = "1GB"
_THREADS = 1
"""With more, DuckDB gives the rows of a large file in whatever order they were read, and a row is known by its number."""

_CHUNK = 1 << 20
_SNIFFED = 65536
_BATCH = 2048
_NOT_TABLES = {
    b"PK\x03\x04": "a ZIP archive or an Excel workbook; save the table in it as CSV",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook; save it as CSV",
    b"\x1f\x8b": "compressed with gzip; unpack it first",
    b"\x28\xb5\x2f\xfd": "compressed with zstd; unpack it first",
    b"BZh": "compressed with bzip2; unpack it first",
    b"SQLite format 3": "an SQLite database; export the table as CSV",
    b"ARROW1": "an Arrow (Feather) file; write it as Parquet",
    b"%PDF": "a PDF document",
}
_JSON = re.compile(rb'[\s\[{]*[\[{]\s*"|\[\s*\[\s*[-\d]')
_XML = re.compile(rb"<(\?xml|!doctype|!--|[a-z_][\w:.-]*(\s+[\w:.-]+\s*=|\s*/?>[\r\n ]*(<|\Z)))", re.IGNORECASE)
"""How JSON and XML begin, and no header of a table: that may begin with [id] or <DATE>, too."""


class DataFileInvalid(Invalid):
    """The data file cannot be read."""


@dataclass(frozen=True, slots=True)
class DataFile:
    """An open data file. `source` is SQL for its cells as columns c0, c1, ...; `types` are their types, "NESTED" if unusable."""

    path: Path
    names: tuple[str, ...]
    types: tuple[str, ...]
    source: str
    connection: duckdb.DuckDBPyConnection

    def count(self) -> int:
        """How many rows there are."""
        try:
            found = self.connection.cursor().execute(f"SELECT count(*) FROM ({self.source})").fetchone()
        except duckdb.Error as error:
            raise unreadable(self.path, error) from error
        return int(found[0]) if found else 0

    def rows(self, *, most: int | None = None) -> Iterator[dict[str, Value]]:
        """The rows in the file's order, a batch at a time; if there are more than `most`, a seeded sample of so many."""
        sample = f" USING SAMPLE reservoir({most} ROWS) REPEATABLE (42)" if most else ""
        for values in self._fetched(f"SELECT * FROM ({self.source}){sample}"):
            yield dict(zip(self.names, values, strict=True))

    def rows_by_time(self, name: str) -> Iterator[tuple[int, datetime | None, dict[str, Value]]]:
        """The rows in the order of the times in a column, ties in the file's, each with its number (from 1) and its time in UTC.

        A row without a time that can be read comes first, with None. Sorted outside of memory if it has to be.
        """
        time = f"TRY_CAST(CAST(c{self.names.index(name)} AS VARCHAR) AS TIMESTAMPTZ)"
        numbered = f"SELECT *, row_number() OVER () AS number, {time} AS moment FROM ({self.source})"
        chosen = f"SELECT number, epoch_us(moment), * EXCLUDE (number, moment) FROM ({numbered})"
        self.connection.execute("SET TimeZone = 'UTC'")
        for number, moment, *values in self._fetched(f"{chosen} ORDER BY moment NULLS FIRST, number"):
            at = None if moment is None else _EPOCH + timedelta(microseconds=moment)
            yield number, at, dict(zip(self.names, values, strict=True))

    def _fetched(self, query: str) -> Iterator[tuple[Any, ...]]:
        try:
            found = self.connection.cursor().execute(query)
            while batch := found.fetchmany(_BATCH):
                yield from batch
        except duckdb.Error as error:
            raise unreadable(self.path, error) from error


@contextmanager
def reading(path: Path) -> Iterator[DataFile]:
    """Open a data file for as long as the block lasts. Raises DataFileInvalid, which says what the file is instead."""
    head = _head(path)
    with (
        tempfile.TemporaryDirectory(prefix="andon-") as folder,
        duckdb.connect(Path(folder, "data.duckdb"), config=_settings(folder)) as connection,
    ):
        if head.startswith(b"PAR1"):
            yield _parquet(path, connection)
        else:
            yield _csv(path, _as_utf8(path, Path(folder)), connection)


def read_rows(path: Path | str, *, most: int | None = None) -> Iterator[dict[str, Value]]:
    """The rows of a data file, one dictionary each; if there are more than `most`, a seeded sample of so many."""
    with reading(Path(path)) as data:
        yield from data.rows(most=most)


def unreadable(path: Path, error: duckdb.Error) -> DataFileInvalid:
    """What DuckDB found wrong with the file, as one sentence."""
    text = str(error)
    line = re.search(r"CSV Error on Line: (\d+)", text)
    ragged = re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", text)
    if line and ragged:
        what = (
            f"line {line[1]}: {ragged[1]} values are expected, there are {ragged[2]};"
            " is there a title above the header, or a separator that is not quoted?"
        )
    elif line and "unterminated quote" in text:
        what = f"line {line[1]}: a quote is not closed (a quote inside quotes is doubled)"
    else:
        what = text.splitlines()[0].removeprefix("Invalid Input Error: ")
    return DataFileInvalid(f"{path} cannot be read: {what}")


def _settings(folder: str) -> dict[str, str | bool | int | float | list[str]]:
    return {
        "memory_limit": _MEMORY,
        "temp_directory": folder,
        "threads": _THREADS,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            head = file.read(64)
    except FileNotFoundError as error:
        raise DataFileInvalid(f"There is no file {path}") from error
    except IsADirectoryError as error:
        raise DataFileInvalid(f"{path} is a folder; name one CSV or Parquet file") from error
    except OSError as error:
        raise DataFileInvalid(f"{path} cannot be read: {error.strerror}") from error
    for magic, what in _NOT_TABLES.items():
        if head.startswith(magic):
            raise DataFileInvalid(f"{path} is neither CSV nor Parquet: it is {what}")
    if not head.strip(b"\xef\xbb\xbf \r\n\t"):
        raise DataFileInvalid(f"{path} is empty")
    beginning = head.lstrip(b"\xef\xbb\xbf \r\n\t")
    if _JSON.match(beginning) or _XML.match(beginning):
        raise DataFileInvalid(f"{path} is neither CSV nor Parquet: it looks like JSON or XML")
    return head


def _parquet(path: Path, connection: duckdb.DuckDBPyConnection) -> DataFile:
    table = f"read_parquet({_literal(path)}, hive_partitioning=false)"
    try:
        described = connection.execute(f"DESCRIBE SELECT * FROM {table}").fetchall()
    except duckdb.Error as error:
        raise unreadable(path, error) from error
    cells = [_typed(f'"{name.replace(chr(34), chr(34) * 2)}"', kind) for name, kind, *_ in described]
    source = ", ".join(f"{sql} AS c{i}" for i, (sql, _) in enumerate(cells))
    return DataFile(
        path,
        tuple(row[0] for row in described),
        tuple(kind for _, kind in cells),
        f"SELECT {source} FROM {table}",
        connection,
    )


def _typed(column: str, kind: str) -> tuple[str, str]:
    """The SQL that turns a typed cell into a value that JSON can carry, and what the cell then is."""
    if kind in ("VARCHAR", "UUID") or (kind.startswith(("ENUM", "TIME")) and not kind.startswith("TIMESTAMP")):
        return _text(f"CAST({column} AS VARCHAR)"), "TEXT"
    if kind == "BOOLEAN":
        return column, "BOOLEAN"
    if kind in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER"):
        return f"CAST({column} AS BIGINT)", "INTEGER"
    if kind in ("FLOAT", "DOUBLE", "UBIGINT", "HUGEINT", "UHUGEINT") or kind.startswith("DECIMAL"):
        number = f"CAST({column} AS DOUBLE)"
        return f"CASE WHEN isfinite({number}) THEN {number} END", "NUMBER"
    if kind == "TIMESTAMP WITH TIME ZONE":
        return f"CAST({column} AT TIME ZONE 'UTC' AS VARCHAR) || 'Z'", "TIME"
    if kind == "DATE" or kind.startswith("TIMESTAMP"):
        return f"CASE WHEN isfinite({column}) THEN CAST({column} AS VARCHAR) END", "TIME"
    return "NULL", "NESTED"


def _text(column: str) -> str:
    spelled = ", ".join(_literal(word) for word in MISSING)
    cell = f"trim({column}, ' \t\r\n')"
    return f"CASE WHEN lower({cell}) NOT IN ({spelled}) AND {cell} <> 'None' THEN {cell} END"


def _csv(path: Path, readable: Path, connection: duckdb.DuckDBPyConnection) -> DataFile:
    delimiter, header = _dialect(path, readable)
    names = [name.strip() or f"column_{i + 1}" for i, name in enumerate(header)]
    columns = ", ".join(f"'c{i}': 'VARCHAR'" for i in range(len(names)))
    table = (
        f"read_csv({_literal(readable)}, auto_detect=false, header=true, delim={_literal(delimiter)},"
        f" quote='\"', escape='\"', columns={{{columns}}}, max_line_size=10000000, hive_partitioning=false)"
    )
    cells = ", ".join(f"{_text(f'c{i}')} AS c{i}" for i in range(len(names)))
    return DataFile(path, _distinct(path, names), ("TEXT",) * len(names), f"SELECT {cells} FROM {table}", connection)


def _dialect(path: Path, readable: Path) -> tuple[str, list[str]]:
    """The delimiter under which most of the first rows have as many fields as the header, and the header."""
    with readable.open(encoding="utf-8", newline="") as file:
        lines = file.read(_SNIFFED).splitlines(keepends=True)
    whole = lines[:-1] if len(lines) > 1 and not lines[-1].endswith(("\r", "\n")) else lines
    best, best_fit, header = ",", (-1.0, 0), list[str]()
    for delimiter in _DELIMITERS:
        try:
            rows = [row for row in csv.reader(whole, delimiter=delimiter) if row]
        except csv.Error as error:
            raise DataFileInvalid(f"{path} is not CSV: {error}") from error
        fitting = sum(len(row) == len(rows[0]) for row in rows) / len(rows)
        fit = (fitting if len(rows[0]) > 1 else 0.0, len(rows[0]))
        if fit > best_fit:
            best, best_fit, header = delimiter, fit, rows[0]
    return best, header


def _as_utf8(path: Path, folder: Path) -> Path:
    """The file itself if it is plain UTF-8, otherwise a copy in UTF-8 (from UTF-16 by its mark, else from Windows-1252 or Latin-1)."""
    with path.open("rb") as file:
        head = file.read(4)
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _copied(path, folder, "utf-16")
    if _decodes(path, "utf-8"):
        return (
            path
            if not head.startswith(codecs.BOM_UTF8) and _even_line_ends(path)
            else _copied(path, folder, "utf-8-sig")
        )
    return _copied(path, folder, "cp1252" if _decodes(path, "cp1252") else "latin-1")


def _decodes(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                if b"\0" in chunk:
                    raise DataFileInvalid(f"{path} is neither CSV nor Parquet: it holds binary data")
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _even_line_ends(path: Path) -> bool:
    """Whether lines end in one way only, which DuckDB requires."""
    with path.open("rb") as file:
        return all(b"\r" not in chunk for chunk in iter(lambda: file.read(_CHUNK), b""))


def _copied(path: Path, folder: Path, encoding: str) -> Path:
    copy = folder / "data.csv"
    with path.open(encoding=encoding) as old, copy.open("w", encoding="utf-8", newline="\n") as new:
        while chunk := old.read(_CHUNK):
            new.write(chunk)
    return copy


def _distinct(path: Path, names: Sequence[str]) -> tuple[str, ...]:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataFileInvalid(f"{path}: two columns are called {twice[0]!r}; rename one")
    return tuple(names)


def _literal(value: Path | str) -> str:
    """A SQL string; a path also has its wildcards escaped, for DuckDB would expand them."""
    text = str(value)
    if isinstance(value, Path):
        text = "".join(f"[{c}]" if c in "*?[" else c for c in text)
    return "'" + text.replace("'", "''") + "'"
