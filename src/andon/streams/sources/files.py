"""A folder as a stream: each file put into it is a partition, its rows are the messages, numbered from 0.

A file that is decided to its end is moved to `done/`. Until then it stays where it is, so a kill loses nothing.
A symbolic link is not followed: it counts as one message that cannot be decided, as does a line that is too long.
"""

import asyncio
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BufferedReader
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import NamedTuple, TypeAlias

from pydantic_core import from_json, to_json

from andon.streams.errors import SourceUnavailable, StreamMissing
from andon.streams.ports import Arrival

POLL_SECONDS = 0.2
DONE = "done"
LINES = (".ndjson", ".jsonl")
"""The suffixes of files that hold one JSON object per line."""


LONGEST_LINE = 1_000_000
"""The most bytes of a line of such a file; only the beginning of a longer one is kept, for people to see."""

_SHOWN = 1000
"""Bytes of an overlong line in its dead event."""

_LINK = "It is a symbolic link, which is not followed: put the file itself here"


class Unreadable(NamedTuple):
    """A row that cannot be decided: the part that is shown, and the reason."""

    data: bytes
    reason: str


FileRow: TypeAlias = bytes | Unreadable

Stamp: TypeAlias = tuple[int, int]
"""The identity of a file: its modification time and size."""


@dataclass(slots=True)
class _Open:
    """A file that is being read: the rows from number `next` on."""

    rows: Iterator[FileRow]
    next: int
    stamp: Stamp


class FileSource:
    """The rows of the files in a folder. `known_by` is the column that identifies a row, if there is one."""

    def __init__(self, folder: Path, *, pattern: str = "*", known_by: str = "") -> None:
        self._folder = folder
        self._pattern = pattern
        self._known_by = known_by
        self._open: dict[str, _Open] = {}
        self._ends: dict[str, tuple[Stamp, int]] = {}

    async def partitions(self) -> Sequence[str]:
        """Return the complete files present, by name."""
        return await asyncio.to_thread(self._names)

    async def start(self, partition: str) -> int:
        """Return the first row."""
        self._path(partition)
        return 0

    async def end(self, partition: str) -> int:
        """Return the number of rows."""
        path = self._path(partition)
        known = self._ends.get(partition)
        if known is None or known[0] != _stamp(path):
            known = self._ends[partition] = (_stamp(path), await asyncio.to_thread(_count, path))
        return known[1]

    async def position_at(self, partition: str, moment: datetime) -> int:
        """Return the first row, or the end if the file arrived earlier: all rows of a file arrived with it."""
        return 0 if _came(self._path(partition)) >= moment else await self.end(partition)

    async def read(self, partition: str, position: int, *, most: int, wait: float) -> Sequence[Arrival]:
        """Return the rows from a number on."""
        until = perf_counter() + wait
        while True:
            path = self._path(partition)
            found = await asyncio.to_thread(self._rows, path, partition, position, most)
            if found:
                at = _came(path)
                return [self._arrival(number, row, partition, at) for number, row in enumerate(found, position)]
            if perf_counter() >= until:
                return []
            await asyncio.sleep(min(POLL_SECONDS, wait))

    async def put_away(self, partition: str) -> None:
        """Move a file that is decided to its end to `done/`, under a new name if its own is taken there."""
        self._open.pop(partition, None)
        self._ends.pop(partition, None)
        await asyncio.to_thread(_move, self._path(partition))

    async def close(self) -> None:
        """Close all files."""
        self._open.clear()

    def _names(self) -> list[str]:
        if not self._folder.is_dir():
            raise StreamMissing(f"There is no folder {self._folder}")
        try:
            return sorted(
                path.name
                for path in self._folder.glob(self._pattern)
                if (path.is_file() or path.is_symlink()) and not path.name.startswith(".")
            )
        except OSError as error:
            raise SourceUnavailable(f"{self._folder} cannot be read: {error.strerror}") from error

    def _path(self, partition: str) -> Path:
        path = self._folder / partition
        if Path(partition).name != partition or not (path.is_file() or path.is_symlink()):
            raise StreamMissing(f"There is no file {path}")
        return path

    def _rows(self, path: Path, partition: str, position: int, most: int) -> list[FileRow]:
        opened, stamp = self._open.get(partition), _stamp(path)
        if opened is None or opened.next != position or opened.stamp != stamp:
            rows = _rows_of(path)
            skipped = sum(1 for _ in islice(rows, position))
            opened = self._open[partition] = _Open(rows, skipped, stamp)
            if skipped < position:
                del self._open[partition]
                return []
        found = list(islice(opened.rows, most))
        opened.next += len(found)
        return found

    def _arrival(self, number: int, row: FileRow, partition: str, at: datetime) -> Arrival:
        if isinstance(row, Unreadable):
            return Arrival(number, row.data, {}, None, at, unreadable=row.reason)
        return Arrival(number, row, self._headers(partition, row), None, at)

    def _headers(self, partition: str, data: bytes) -> Mapping[str, str]:
        """Return the headers of a row: with an id column it is an event identified by that."""
        if not self._known_by:
            return {}
        with suppress(ValueError):
            row = from_json(data)
            value = row.get(self._known_by) if isinstance(row, dict) else None
            if value not in (None, ""):
                return {
                    "ce_specversion": "1.0",
                    "ce_id": str(value),
                    "ce_source": f"/files/{self._folder.name}",
                    "ce_type": "andon.file.row",
                    "ce_subject": partition,
                }
        return {}


def _rows_of(path: Path) -> Iterator[FileRow]:
    if path.is_symlink():
        yield Unreadable(os.fsencode(path.name), _LINK)
    elif path.suffix.lower() in LINES:
        yield from _lines(path)
    else:
        from andon.datafile import read_rows  # here, so that a worker without such files saves DuckDB's memory

        for row in read_rows(path):
            yield to_json({name: value for name, value in row.items() if value is not None})


def _lines(path: Path) -> Iterator[FileRow]:
    """Yield the lines that are not empty. Raises DataFileInvalid, as other files do."""
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as lines:
            while line := lines.readline(LONGEST_LINE + 1):
                if len(line.rstrip(b"\n")) > LONGEST_LINE:
                    yield _too_long(line, lines)
                elif line := line.strip():
                    yield line
    except OSError as error:
        from andon.datafile import DataFileInvalid

        raise DataFileInvalid(f"{path} cannot be read: {error.strerror}") from error


def _too_long(line: bytes, lines: BufferedReader) -> Unreadable:
    """Skip the rest of a line, and return the part that is shown."""
    size = len(line)
    rest = line
    while rest and not rest.endswith(b"\n"):
        rest = lines.readline(LONGEST_LINE)
        size += len(rest)
    return Unreadable(line[:_SHOWN], f"Its line has {size} bytes; a line may have {LONGEST_LINE}")


def _count(path: Path) -> int:
    if path.is_symlink():
        return 1
    if path.suffix.lower() in LINES:
        return sum(1 for _ in _lines(path))
    from andon.datafile import reading

    with reading(path) as data:
        return data.count()


def _came(path: Path) -> datetime:
    return datetime.fromtimestamp(path.lstat().st_mtime, tz=UTC)


def _stamp(path: Path) -> Stamp:
    stat = path.lstat()
    return stat.st_mtime_ns, stat.st_size


def _move(path: Path) -> None:
    done = path.parent / DONE
    done.mkdir(exist_ok=True)
    target, number = done / path.name, 1
    while target.exists():
        target, number = done / f"{path.stem}-{number}{path.suffix}", number + 1
    path.rename(target)
