"""Opening: the format of a file, detected by its beginning, and its reader."""

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TypeAlias

import duckdb

from andon.datafile import csv_files, json_files, packed, queries, typed_files, workbooks
from andon.datafile.errors import DataFileInvalid
from andon.datafile.queries import Query
from andon.datafile.table import DataFile
from andon.datafile.values import Value

Source: TypeAlias = Path | Query

_MEMORY = "512MB"
_THREADS = 1
"""With more threads, DuckDB returns the rows of a large file in any order, and a row is known by its number."""

_HEAD = 4096
_LINES = (".ndjson", ".jsonl")
_NOT_TABLES = {
    b"SQLite format 3": "an SQLite database; pass it by --url-env (sqlite:///path) with a --query",
    b"%PDF": "a PDF document",
}
_JSON = re.compile(rb'[\s\[{]*[\[{]\s*"|\[\s*\[\s*[-\d]')
_XML = re.compile(rb"<(\?xml|!doctype|!--|[a-z_][\w:.-]*(\s+[\w:.-]+\s*=|\s*/?>[\r\n ]*(<|\Z)))", re.IGNORECASE)
"""How JSON and XML begin, and no header of a table: that may begin with [id] or <DATE>, too."""


class FileFormat(StrEnum):
    """The format of an uncompressed file."""

    CSV = "CSV"
    PARQUET = "Parquet"
    ARROW = "Arrow"
    WORKBOOK = "workbook"
    LINES = "JSON Lines"
    ARRAY = "JSON array"


@contextmanager
def reading(source: Source, *, sheet: str | None = None, header: int | None = None) -> Iterator[DataFile]:
    """Open a data file, or take the rows of a query, for as long as the block lasts.

    `sheet` names the sheet of a workbook or the file in an archive; `header` is the line of the header (from 1).
    Raises DataFileInvalid, which says what the file is instead.
    """
    with (
        tempfile.TemporaryDirectory(prefix="andon-") as temporary,
        duckdb.connect(Path(temporary, "data.duckdb"), config=_settings(temporary)) as connection,
    ):
        folder = Path(temporary)
        if isinstance(source, Query):
            yield queries.opened(source, folder, connection)
            return
        path, head = _plain(source, folder, sheet)
        yield _opened(source, path, format_of(source, path, head), folder, connection, sheet, header)


@contextmanager
def reading_plain(
    name: Path, path: Path, shape: FileFormat, *, sheet: str | None = None, header: int | None = None
) -> Iterator[DataFile]:
    """Open what `unpacking` gave; `name` is what messages call it."""
    with (
        tempfile.TemporaryDirectory(prefix="andon-") as temporary,
        duckdb.connect(Path(temporary, "data.duckdb"), config=_settings(temporary)) as connection,
    ):
        yield _opened(name, path, shape, Path(temporary), connection, sheet, header)


def _opened(
    source: Path,
    path: Path,
    shape: FileFormat,
    folder: Path,
    connection: duckdb.DuckDBPyConnection,
    sheet: str | None,
    header: int | None,
) -> DataFile:
    match shape:
        case FileFormat.PARQUET:
            return typed_files.parquet(source, path, connection)
        case FileFormat.ARROW:
            return typed_files.arrow(source, path, folder, connection)
        case FileFormat.LINES:
            return json_files.opened(source, path, folder, connection, array=False)
        case FileFormat.ARRAY:
            return json_files.opened(source, path, folder, connection, array=True)
        case FileFormat.WORKBOOK:
            copy, notices = workbooks.as_csv(source, path, folder, sheet)
            data = csv_files.opened(source, copy, folder, connection, header=header, delimiters=",")
            return DataFile(source, data.names, data.types, data.source, connection, (*notices, *data.notices))
        case FileFormat.CSV:
            return csv_files.opened(source, path, folder, connection, header=header)


def read_rows(
    source: Source | str, *, most: int | None = None, sheet: str | None = None, header: int | None = None
) -> Iterator[dict[str, Value]]:
    """Yield the rows of a data file, one dictionary each; if there are more than `most`, a seeded sample of `most`."""
    with reading(Path(source) if isinstance(source, str) else source, sheet=sheet, header=header) as data:
        yield from data.rows(most=most)


@contextmanager
def unpacking(path: Path, sheet: str | None = None) -> Iterator[tuple[Path, FileFormat]]:
    """Yield the file, unpacked if it is compressed, with its format, for as long as the block lasts."""
    with tempfile.TemporaryDirectory(prefix="andon-") as temporary:
        plain, head = _plain(path, Path(temporary), sheet)
        yield plain, format_of(path, plain, head)


def format_of(name: object, path: Path, head: bytes) -> FileFormat:
    """Return what a file is by how it begins, and by its ending where that tells nothing. Raises DataFileInvalid."""
    for magic, what in _NOT_TABLES.items():
        if head.startswith(magic):
            raise DataFileInvalid(f"{name} is not a readable table: it is {what}")
    if head.startswith(b"PAR1"):
        return FileFormat.PARQUET
    if head.startswith((b"ARROW1", b"\xff\xff\xff\xff")):
        return FileFormat.ARROW
    if head.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        return FileFormat.WORKBOOK
    if path.suffix.lower() in _LINES or json_files.is_lines(head):
        return FileFormat.LINES
    if json_files.is_array(head):
        return FileFormat.ARRAY
    beginning = head.lstrip(b"\xef\xbb\xbf \r\n\t")
    if not beginning:
        raise DataFileInvalid(f"{name} is empty")
    if _JSON.match(beginning):
        raise DataFileInvalid(
            f"{name} is not a readable table: it looks like JSON, "
            "but only objects are read, one per line or in one array"
        )
    if _XML.match(beginning):
        raise DataFileInvalid(f"{name} is not a readable table: it looks like XML")
    return FileFormat.CSV


def _plain(path: Path, folder: Path, part: str | None) -> tuple[Path, bytes]:
    """Return the file, or what is in it if it is compressed, and how it begins."""
    head = _head(path)
    if not packed.is_packed(head) or (head.startswith(b"PK") and packed.is_workbook(path)):
        return path, head
    inner = packed.unpacked(path, path, head, folder, part if head.startswith(b"PK") else None)
    head = _head(inner)
    if packed.is_packed(head) and not packed.is_workbook(inner):
        raise DataFileInvalid(f"{path} is compressed twice; unpack it once")
    return inner, head


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_HEAD)
    except FileNotFoundError as error:
        raise DataFileInvalid(f"There is no file {path}") from error
    except IsADirectoryError as error:
        raise DataFileInvalid(f"{path} is a folder; name one file") from error
    except OSError as error:
        raise DataFileInvalid(f"{path} cannot be read: {error.strerror}") from error


def _settings(folder: str) -> dict[str, str | bool | int | float | list[str]]:
    return {
        "memory_limit": _MEMORY,
        "temp_directory": folder,
        "threads": _THREADS,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
