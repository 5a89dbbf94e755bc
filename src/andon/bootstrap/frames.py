"""Parquet files from chunks of rows, by polars (extra `datasets`), and checks of expectations, by pandera.

One chunk is in memory at a time; the types of the columns are determined over all of them at the end.
"""

import importlib
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from andon.authoring import Automation, Expect
from andon.kernel.errors import Conflict, Invalid

_CELLS = frozenset((int, float, str, bool, datetime))


class DatasetsMissing(Conflict):
    """Data sets need the extra: pip install 'andon[datasets]'."""


class DatasetInvalid(Invalid):
    """The data set cannot be written, or the file is not a data set."""


class ColumnBreach(NamedTuple):
    """The number of unexpected values in a column of a data set, and the first such rows, from 1."""

    name: str
    expected: str
    rows: int
    first: tuple[int, ...]


def library(name: str = "polars") -> Any:
    """Import polars, or pandera for it. Raises DatasetsMissing."""
    try:
        return importlib.import_module(name)
    except ImportError:
        raise DatasetsMissing from None


def write_parquet(chunks: Iterable[list[dict[str, Any]]], target: Path) -> int:
    """Write all rows, whole or not at all; return their number. Raises DatasetsMissing, DatasetInvalid."""
    polars = library()
    if not target.parent.is_dir():
        raise DatasetInvalid(f"There is no folder {target.parent}")
    rows = 0
    draft = target.with_name(f"{target.name}.part")
    with ExitStack() as at_the_end:
        with _refusal_in_words(polars, target):
            folder = at_the_end.enter_context(tempfile.TemporaryDirectory(prefix="andon-", dir=target.parent))
        parts: list[Path] = []
        for chunk in chunks:
            part = Path(folder, f"{len(parts):06}.parquet")
            with _refusal_in_words(polars, target):
                _frame(polars, chunk).write_parquet(part)
            parts.append(part)
            rows += len(chunk)
        at_the_end.callback(draft.unlink, missing_ok=True)
        with _refusal_in_words(polars, target):
            if parts:
                together = polars.concat([polars.scan_parquet(part) for part in parts], how="diagonal_relaxed")
                together.sink_parquet(draft)
            else:
                polars.DataFrame().write_parquet(draft)
            draft.replace(target)
    return rows


@contextmanager
def _refusal_in_words(polars: Any, target: Path) -> Iterator[None]:
    """Turn errors of the file system, and rows that cannot become one table, into DatasetInvalid."""
    try:
        yield
    except (OSError, polars.exceptions.PolarsError) as error:
        raise DatasetInvalid(f"{target} cannot be written: {error}") from error


def check_parquet(file: Path, automation: Automation) -> tuple[int, list[ColumnBreach]]:
    """Return the number of rows of a data set, and its breaches of expectations.

    Raises DatasetsMissing, DatasetInvalid.
    """
    polars = library()
    try:
        frame = polars.scan_parquet(file)
        names = frame.collect_schema().names()
        count = frame.select(polars.len()).collect().item()
    except (OSError, polars.exceptions.PolarsError) as error:
        raise DatasetInvalid(f"{file} cannot be read: {error}") from error
    missing = [one.name for one in automation.expect if one.name not in names]
    if missing:
        raise DatasetInvalid(f"{file} has no column {missing[0]!r}, which the expectations name")
    return count, [breach for one in automation.expect if (breach := _checked(frame, one)) is not None]


def _checked(frame: Any, expect: Expect) -> ColumnBreach | None:
    """Check one column at a time, with an equivalent pandera schema; a NaN is a missing value."""
    polars, pandera = library(), library("pandera.polars")
    checks = []
    if expect.one_of:
        checks.append(pandera.Check.isin(list(expect.one_of)))
    if expect.at_least is not None:
        checks.append(pandera.Check.ge(expect.at_least))
    if expect.at_most is not None:
        checks.append(pandera.Check.le(expect.at_most))
    column = frame.select(expect.name).collect()
    if column[expect.name].dtype.is_float():
        column = column.with_columns(polars.col(expect.name).fill_nan(None))
    schema = pandera.DataFrameSchema({expect.name: pandera.Column(nullable=expect.missing, checks=checks)})
    try:
        schema.validate(column, lazy=True)
    except pandera.errors.SchemaErrors as errors:
        places = errors.failure_cases["index"].to_list()
        whole = any(place is None for place in places)  # its type cannot be compared
        wrong = range(column.height) if whole else sorted({int(place) for place in places})
        return ColumnBreach(expect.name, words_of(expect), len(wrong), tuple(number + 1 for number in wrong[:5]))
    return None


def _frame(polars: Any, rows: Sequence[dict[str, Any]]) -> Any:
    names = dict.fromkeys(name for row in rows for name in row)
    try:
        return polars.DataFrame({name: _column([row.get(name) for row in rows]) for name in names}, strict=True)
    except (TypeError, polars.exceptions.PolarsError) as error:
        raise DatasetInvalid(f"The rows cannot be combined into one table: {error}") from error


def _column(values: list[Any]) -> list[Any]:
    """Return values of one type: numbers as numbers, and text if types are mixed or not those of a cell."""
    kinds = {type(value) for value in values if value is not None}
    if kinds <= _CELLS and len(kinds) < 2:
        return values
    if kinds == {int, float}:
        return [None if value is None else float(value) for value in values]
    return [value if value is None or type(value) is str else str(value) for value in values]


def words_of(expect: Expect) -> str:
    """Describe an expectation in words."""
    said = []
    if expect.one_of:
        said.append(f"one of {', '.join(map(str, expect.one_of))}")
    if expect.at_least is not None:
        said.append(f"at least {expect.at_least:g}")
    if expect.at_most is not None:
        said.append(f"at most {expect.at_most:g}")
    said.append("may be missing" if expect.missing else "never missing")
    return ", ".join(said)
