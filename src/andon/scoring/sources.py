"""Sources of rows: a table (CSV, Parquet, workbooks, ...) or JSON (lines, arrays), read in order in bounded memory.

A row is the JSON text that the contract reads and the ledger keeps. For a table it holds the contract's columns only; a
JSON document stays as it was written.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from pydantic_core import from_json, to_json

from andon import datafile
from andon.datafile import DataFile, DataFileInvalid
from andon.scoring.errors import ColumnMissing

LINE_BYTES = 10_000_000
"""The longest line of a plausible row."""

_CHUNK = 1 << 20
_LINES = (".ndjson", ".jsonl")
_SPACE = b" \t\r\n"
_MARK = b"\xef\xbb\xbf"

Told = Callable[[int], None]
"""Receives counts of the bytes that were read."""


class SourceRow(NamedTuple):
    """One row: its JSON text, or None and what is wrong with it; and the values to be carried into the output."""

    raw: bytes | None
    kept: tuple[str | None, ...] = ()
    error: str | None = None


class SourceRows(Protocol):
    """The rows of one source."""

    @property
    def left_out(self) -> Sequence[str]:
        """Columns that the contract does not have."""
        ...

    @property
    def notices(self) -> Sequence[str]:
        """What should be known of how they are read."""
        ...

    def count(self) -> int:
        """How many there are."""
        ...

    def __iter__(self) -> Iterator[SourceRow]: ...


@contextmanager
def opened(
    path: Path, wanted: Sequence[str], keep: Sequence[str], *, sheet: str | None = None, header: int | None = None
) -> Iterator[SourceRows]:
    """Open the rows of a file for the time of the block: `wanted` goes to the contract, `keep` into the output.

    JSON stands as it was written; of a table each cell is read. Raises DataFileInvalid, ColumnMissing.
    """
    if is_lines(path):
        yield Lines(path, keep)
        return
    with datafile.unpacking(path, sheet) as (plain, shape):
        if shape is datafile.FileFormat.LINES:
            yield Lines(plain, keep)
            return
        if shape is datafile.FileFormat.ARRAY:
            yield Elements(path, plain, keep)
            return
        with datafile.reading_plain(path, plain, shape, sheet=sheet, header=header) as data:
            missing = sorted(set(keep) - set(data.names))
            if missing:
                raise ColumnMissing(f"{path} has no column {missing[0]!r} to keep; it has {', '.join(data.names)}")
            yield Cells(data, frozenset(wanted), tuple(keep))


def digest_of(path: Path, told: Told) -> str:
    """Return the SHA-256 of a file. Raises DataFileInvalid."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
                told(len(chunk))
    except FileNotFoundError as error:
        raise DataFileInvalid(f"There is no file {path}") from error
    except IsADirectoryError as error:
        raise DataFileInvalid(f"{path} is a folder; name one file") from error
    except OSError as error:
        raise DataFileInvalid(f"{path} cannot be read: {error.strerror}") from error
    return digest.hexdigest()


def is_lines(path: Path) -> bool:
    """Return whether a file holds one JSON document a line: its ending says so, or it begins with a document."""
    if path.suffix.lower() in _LINES:
        return True
    with path.open("rb") as file:
        return file.read(64).removeprefix(_MARK).lstrip(_SPACE).startswith(b"{")


@dataclass(frozen=True, slots=True)
class Cells:
    """The rows of a CSV or Parquet file."""

    data: DataFile
    wanted: frozenset[str]
    keep: tuple[str, ...]

    @property
    def left_out(self) -> Sequence[str]:
        """Columns that the contract does not have."""
        return sorted(set(self.data.names) - self.wanted)

    @property
    def notices(self) -> Sequence[str]:
        """How the file was read, where that was not plain."""
        return self.data.notices

    def count(self) -> int:
        """How many rows there are."""
        return self.data.count()

    def __iter__(self) -> Iterator[SourceRow]:
        names = [name for name in self.data.names if name in self.wanted]
        for row in self.data.rows():
            raw = to_json({name: row[name] for name in names})
            yield SourceRow(raw, tuple(_shown(row[name]) for name in self.keep))


@dataclass(frozen=True, slots=True)
class Lines:
    """The rows of an NDJSON file; empty lines are passed over."""

    path: Path
    keep: Sequence[str]
    left_out: Sequence[str] = ()
    notices: Sequence[str] = ()

    def count(self) -> int:
        """How many rows there are."""
        return sum(1 for _ in self._lines())

    def __iter__(self) -> Iterator[SourceRow]:
        nothing = (None,) * len(self.keep)
        for line in self._lines():
            if line is None:
                yield SourceRow(None, nothing, f"the line is longer than {LINE_BYTES} bytes")
            else:
                yield SourceRow(line, self._kept(line) if self.keep else ())

    def _lines(self) -> Iterator[bytes | None]:
        """Each line without the space around it; None for one that is too long."""
        first = True
        with self.path.open("rb") as file:
            while line := file.readline(LINE_BYTES):
                if first:
                    line, first = line.removeprefix(_MARK), False
                if len(line) == LINE_BYTES and not line.endswith(b"\n"):
                    while (rest := file.readline(LINE_BYTES)) and not rest.endswith(b"\n"):
                        pass
                    yield None
                elif row := line.strip(_SPACE):
                    yield row

    def _kept(self, line: bytes) -> tuple[str | None, ...]:
        return _kept_of(line, self.keep)


@dataclass(frozen=True, slots=True)
class Elements:
    """The elements of a JSON array, each as it was written."""

    name: Path
    path: Path
    keep: Sequence[str]
    left_out: Sequence[str] = ()
    notices: Sequence[str] = ()

    def count(self) -> int:
        """How many rows there are."""
        return sum(1 for _ in datafile.elements(self.name, self.path))

    def __iter__(self) -> Iterator[SourceRow]:
        for element in datafile.elements(self.name, self.path):
            yield SourceRow(element, _kept_of(element, self.keep) if self.keep else ())


def _kept_of(document: bytes, keep: Sequence[str]) -> tuple[str | None, ...]:
    try:
        values: Any = from_json(document)
    except ValueError:
        values = None
    given: Mapping[str, Any] = values if isinstance(values, dict) else {}
    return tuple(_shown(given.get(name)) for name in keep)


def _shown(value: Any) -> str | None:
    """Return a value as text: a string as it is, anything else as JSON."""
    if value is None or isinstance(value, str):
        return value
    return to_json(value).decode()
