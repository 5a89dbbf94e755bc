"""The output of a run, in the format of its ending: Parquet, CSV or NDJSON. It appears whole or not at all.

A draft grows beside it, line by line, so that memory does not; Parquet is made of the draft at the end.
"""

import csv
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import UUID

import duckdb
from pydantic_core import to_json

from andon.kernel.errors import Invalid
from andon.kernel.files import sync_file, sync_folder
from andon.scoring.domain import COLUMNS, Scored

ENDINGS = (".parquet", ".csv", ".ndjson", ".jsonl")

_KEPT = "what was decided is kept, and the same command continues from there"

_TYPES = {
    "row": "BIGINT",
    "score": "DOUBLE",
    "interval_low": "DOUBLE",
    "interval_high": "DOUBLE",
    "confidence": "DOUBLE",
    "reasons": "VARCHAR[]",
    "automation_version": "INTEGER",
    "model_version": "INTEGER",
}
"""Of the columns in Parquet; the others are text."""


class OutputInvalid(Invalid):
    """The output cannot be written."""


def check(target: Path, keep: Sequence[str]) -> None:
    """Refuse what cannot be written, before anything is decided. Raises OutputInvalid."""
    if target.suffix.lower() not in ENDINGS:
        raise OutputInvalid(f"{target} should end in {', '.join(ENDINGS[:-1])} or {ENDINGS[-1]}, which says its format")
    if not target.parent.is_dir():
        raise OutputInvalid(f"There is no folder {target.parent} for the output")
    taken = sorted({name for name in keep if name in COLUMNS or keep.count(name) > 1})
    if taken:
        raise OutputInvalid(f"The output already has a column {taken[0]!r}")


class Output:
    """Takes the rows in their order."""

    def __init__(self, draft: Path, ending: str, keep: Sequence[str]) -> None:
        self._names = (*COLUMNS, *keep)
        self._csv = ending == ".csv"
        with _refusal_in_words(draft):
            self._file = draft.open("wb")
            if self._csv:
                self._file.write(_csv_lines([self._names]))

    def add(self, rows: Sequence[tuple[Scored, Sequence[str | None]]]) -> None:
        """Write the next rows, each with the values that are kept of it. Raises OutputInvalid."""
        if self._csv:
            lines = [_csv_lines([_cells(row, kept) for row, kept in rows])]
        else:
            lines = [to_json(dict(zip(self._names, (*row, *kept), strict=True))) + b"\n" for row, kept in rows]
        with _refusal_in_words(Path(self._file.name)):
            self._file.writelines(lines)

    def close(self) -> None:
        """Close the draft after the last row. Raises OutputInvalid."""
        with _refusal_in_words(Path(self._file.name)):
            self._file.close()


@contextmanager
def writing(target: Path, run: UUID, keep: Sequence[str]) -> Iterator[Output]:
    """Open the output of a run; it appears at `target` when the block ends without an error.

    The drafts that a killed run left beside it are written anew. Raises OutputInvalid.
    """
    ending = target.suffix.lower()
    draft, whole = _drafts(target, run)
    output = Output(draft, ending, keep)
    with ExitStack() as at_the_end:
        for file in (whole, draft):
            at_the_end.callback(file.unlink, missing_ok=True)
        at_the_end.callback(output.close)
        yield output
        output.close()
        if ending == ".parquet":
            _convert(draft, whole, keep)
        finished = whole if ending == ".parquet" else draft
        with _refusal_in_words(target):
            sync_file(finished)
            finished.replace(target)
            sync_folder(target.parent)


def discard(target: Path, run: UUID) -> None:
    """Remove the drafts that a killed run left beside an output that it will not finish. Raises OutputInvalid."""
    for file in _drafts(target, run):
        with _refusal_in_words(file):
            file.unlink(missing_ok=True)


def _drafts(target: Path, run: UUID) -> tuple[Path, Path]:
    """Return the path where the output grows, and the path where Parquet is made of it."""
    draft = target.with_name(f".{target.name}.{run.hex[-12:]}.part")
    return draft, draft.with_name(f"{draft.name}.parquet")


@contextmanager
def _refusal_in_words(file: Path) -> Iterator[None]:
    """Turn an error of the file system into OutputInvalid, with its cause in words."""
    try:
        yield
    except OSError as error:
        raise OutputInvalid(f"{file} cannot be written: {error.strerror}; {_KEPT}") from error


def _convert(draft: Path, whole: Path, keep: Sequence[str]) -> None:
    columns = ", ".join(f"{_quoted(name)}: '{_TYPES.get(name, 'VARCHAR')}'" for name in (*COLUMNS, *keep))
    read = f"read_json({_quoted(_plain(draft))}, format='newline_delimited', columns={{{columns}}})"
    settings: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": "512MB",
        "temp_directory": str(draft.parent),
        "threads": 1,  # with more the order of the rows is not certain
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    with duckdb.connect(config=settings) as connection:
        try:
            connection.execute(
                f"COPY (SELECT * FROM {read}) TO {_quoted(str(whole))} (FORMAT parquet, COMPRESSION zstd)"
            )
        except duckdb.Error as error:
            raise OutputInvalid(f"{whole} cannot be written: {str(error).splitlines()[0]}; {_KEPT}") from error


def _plain(path: Path) -> str:
    """Return a path as text with its glob characters escaped."""
    return "".join(f"[{c}]" if c in "*?[" else c for c in str(path))


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _cells(row: Scored, kept: Sequence[str | None]) -> list[Any]:
    return [*(" ".join(value) if isinstance(value, tuple) else value for value in row), *kept]


def _csv_lines(rows: Sequence[Sequence[Any]]) -> bytes:
    text = StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()
