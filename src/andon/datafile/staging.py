"""Rows from sources that DuckDB cannot read, written as a CSV file that it can."""

import csv
import math
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import duckdb

from andon.datafile.errors import DataFileInvalid
from andon.datafile.table import DataFile
from andon.datafile.values import MOST_COLUMNS, distinct, literal, text

_NESTED = object()


def staged(
    name: object,
    names: Sequence[str],
    rows: Iterable[Sequence[Any]],
    folder: Path,
    connection: duckdb.DuckDBPyConnection,
) -> DataFile:
    """Write rows of Python values as text and open them; a column with lists or structures is NESTED."""
    if len(names) > MOST_COLUMNS:
        raise DataFileInvalid(f"{name} has {len(names):,} columns; at most {MOST_COLUMNS:,} can be read")
    copy, nested = folder / "staged.csv", set[int]()
    with copy.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL)
        for row in rows:
            cells = [_written(value) for value in row]
            for at, cell in enumerate(cells):
                if cell is _NESTED:
                    nested.add(at)
                    cells[at] = ""
            writer.writerow(cells)
    columns = ", ".join(f"'c{i}': 'VARCHAR'" for i in range(len(names)))
    table = (
        f"read_csv({literal(copy)}, auto_detect=false, header=false, delim=',', quote='\"', escape='\"',"
        f" columns={{{columns}}}, max_line_size=10000000, hive_partitioning=false)"
    )
    source = ", ".join(f"{'NULL' if i in nested else text(f'c{i}')} AS c{i}" for i in range(len(names)))
    types = tuple("NESTED" if i in nested else "TEXT" for i in range(len(names)))
    free, notices = distinct([one.strip() or f"column_{i + 1}" for i, one in enumerate(names)])
    return DataFile(name, free, types, f"SELECT {source} FROM {table}", connection, tuple(notices))


def _written(value: Any) -> Any:
    """Return a value as a CSV file would have it."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value.replace("\0", "")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | UUID):
        return str(value)
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else ""
    if isinstance(value, Decimal):
        return format(value, "f") if value.is_finite() else ""
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    return _NESTED
