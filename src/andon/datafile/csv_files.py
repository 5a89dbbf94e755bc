"""CSV files: encoding, separator, header and lines above it are found; DuckDB reads the rows."""

import codecs
import csv
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from andon.datafile.errors import DataFileInvalid
from andon.datafile.table import DataFile
from andon.datafile.values import LINE_BYTES, MOST_COLUMNS, distinct, literal, text

_DELIMITERS = ",;\t|"
_CHUNK = 1 << 20
_SNIFFED = 1 << 17
_SNIFFED_LINES = 10
_MOST_PREAMBLE = 100
_DUCKDB_LINE = 2_000_000
"""Enough for 20,000 columns; DuckDB reserves several times as much."""


@dataclass(frozen=True, slots=True)
class _Dialect:
    """The dialect of a file: its separator, its header, and the header's line (from 1)."""

    delimiter: str
    header: Sequence[str]
    line: int
    longest: int = 0


def opened(
    name: object,
    path: Path,
    folder: Path,
    connection: duckdb.DuckDBPyConnection,
    *,
    header: int | None = None,
    delimiters: str = _DELIMITERS,
) -> DataFile:
    """Open a CSV file. `name` is what messages call it; `header` is the line of the header, which else is found."""
    readable = _as_utf8(name, path, folder)
    dialect = _dialect(name, readable, header, delimiters)
    names = [name.strip() or f"column_{i + 1}" for i, name in enumerate(dialect.header)]
    if len(names) > MOST_COLUMNS:
        raise DataFileInvalid(f"{name} has {len(names):,} columns; at most {MOST_COLUMNS:,} can be read")
    columns = ", ".join(f"'c{i}': 'VARCHAR'" for i in range(len(names)))
    line_size = max(_DUCKDB_LINE, min(LINE_BYTES, 4 * dialect.longest))
    table = (
        f"read_csv({literal(readable)}, auto_detect=false, header=true, skip={dialect.line - 1},"
        f" delim={literal(dialect.delimiter)}, quote='\"', escape='\"', columns={{{columns}}},"
        f" max_line_size={line_size}, hive_partitioning=false)"
    )
    cells = ", ".join(f"{text(f'c{i}')} AS c{i}" for i in range(len(names)))
    named, notices = distinct(names)
    if dialect.line > 1 and header is None:
        above = "1 line above it is" if dialect.line == 2 else f"{dialect.line - 1} lines above it are"
        notices.insert(0, f"line {dialect.line} is read as the header; {above} left out (--header names another line)")
    together = ", ".join(f"c{i}" for i in range(len(names)))
    source = f"SELECT {cells} FROM {table} WHERE trim(concat({together}), ' \t\r\n') <> ''"
    return DataFile(name, named, ("TEXT",) * len(names), source, connection, tuple(notices))


def _dialect(name: object, readable: Path, asked: int | None, delimiters: str) -> _Dialect:
    """Return the delimiter under which most of the first rows have as many fields as each other, and the header."""
    lines = _first_lines(name, readable, asked)
    longest = max(len(line) for line in lines)
    best, best_fit = _Dialect(",", (), 1), (-1.0, -1.0, 0)
    for delimiter in delimiters:
        try:
            rows = _numbered(lines, delimiter)
        except csv.Error as error:
            raise DataFileInvalid(f"{name} is not CSV: {error}") from error
        if asked is not None:
            rows = [row for row in rows if row[0] >= asked]
            if not rows or rows[0][0] != asked:
                raise DataFileInvalid(f"{name} has no header on line {asked}")
        number, header = rows[0] if asked is not None else _header(rows)
        below = [row for at, row in rows if at >= number]
        fitting = sum(len(row) == len(header) for row in below) / len(below)
        fit = (fitting if len(header) > 1 else 0.0, len(below) / len(rows), len(header))
        if fit > best_fit:
            best, best_fit = _Dialect(delimiter, header, number, longest), fit
    return best


def _first_lines(name: object, readable: Path, asked: int | None) -> list[str]:
    """Return the first lines of a file, whole unless the file has one line only."""
    wanted = _SNIFFED_LINES + (asked or 0)
    with readable.open(encoding="utf-8", newline="") as file:
        read = file.read(_SNIFFED)
        while read.count("\n") < wanted and (more := file.read(_SNIFFED)):
            read += more
            if len(read) > LINE_BYTES:
                if "\n" not in read:
                    raise DataFileInvalid(f"{name} cannot be read: its first line is longer than {LINE_BYTES:,} bytes")
                break
    lines = list(io.StringIO(read, newline=""))  # str.splitlines would also split at U+2028 and others
    return lines[:-1] if len(lines) > 1 and not lines[-1].endswith(("\r", "\n")) else lines


def _numbered(lines: Sequence[str], delimiter: str) -> list[tuple[int, list[str]]]:
    """Return the rows that are not empty, each with the number of its first line."""
    reader, found, before = csv.reader(lines, delimiter=delimiter), list[tuple[int, list[str]]](), 0
    for row in reader:
        if row:
            found.append((before + 1, row))
        before = reader.line_num
    return found


def _header(rows: Sequence[tuple[int, list[str]]]) -> tuple[int, list[str]]:
    """Return the header: the first row, or the first below a title and remarks, which fill far fewer fields."""
    usual = Counter(len(row) for _, row in rows).most_common(1)[0][0]
    if usual > 1:
        for number, row in rows[:_MOST_PREAMBLE]:
            if not _is_preamble(row, usual):
                return (number, row) if len(row) == usual else rows[0]
    return rows[0]


def _is_preamble(row: Sequence[str], usual: int) -> bool:
    filled = sum(1 for cell in row if cell.strip())
    if len(row) == usual:
        return usual >= 3 and filled <= max(1, usual // 3)
    return filled <= max(1, usual // 2)


def _as_utf8(name: object, path: Path, folder: Path) -> Path:
    """Return the file if it is plain UTF-8, else a copy (of UTF-16 by its mark, else of Windows-1252 or Latin-1)."""
    with path.open("rb") as file:
        head = file.read(4)
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            return _copied(path, folder, "utf-16")
        except UnicodeError as error:
            raise DataFileInvalid(f"{name} is not readable as UTF-16, as its first bytes say: {error}") from error
    if _decodes(name, path, "utf-8"):
        plain = not head.startswith(codecs.BOM_UTF8) and _even_line_ends(path)
        return path if plain else _copied(path, folder, "utf-8-sig")
    return _copied(path, folder, "cp1252" if _decodes(name, path, "cp1252") else "latin-1")


def _decodes(name: object, path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                if b"\0" in chunk:
                    raise DataFileInvalid(f"{name} is not a readable table: it contains binary data")
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _even_line_ends(path: Path) -> bool:
    """Return whether lines end in one way only, which DuckDB requires."""
    with path.open("rb") as file:
        return all(b"\r" not in chunk for chunk in iter(lambda: file.read(_CHUNK), b""))


def _copied(path: Path, folder: Path, encoding: str) -> Path:
    copy = folder / "utf8.csv"
    with path.open(encoding=encoding) as old, copy.open("w", encoding="utf-8", newline="\n") as new:
        while chunk := old.read(_CHUNK):
            new.write(chunk)
    return copy
