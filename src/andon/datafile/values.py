"""Raw values of a file: which spellings mean missing, and the SQL that turns a cell into a JSON value."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

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
"""Spellings of a missing value, in any case. Infinity counts as missing, since JSON cannot carry it; so does `None`."""

MOST_COLUMNS = 20_000
"""A table with more columns is refused."""

LINE_BYTES = 10_000_000
"""The longest line, or JSON document, of a plausible row."""


def text(column: str) -> str:
    """Return the SQL of a text cell, stripped, NULL if it is missing.

    One pattern, since DuckDB keeps a vector for every word of a list: seventeen a column, of thousands of columns.
    """
    spelled = "|".join(re.escape(word) for word in MISSING if word)
    pattern = f"^(?i:{spelled})$|^None$"
    return f"nullif(regexp_replace(trim({column}, ' \t\r\n'), {literal(pattern)}, ''), '')"


def typed(column: str, kind: str) -> tuple[str, str]:
    """Return the SQL that turns a typed cell into a value that JSON can carry, and what the cell then is."""
    if kind in ("VARCHAR", "UUID") or (kind.startswith(("ENUM", "TIME")) and not kind.startswith("TIMESTAMP")):
        return text(f"CAST({column} AS VARCHAR)"), "TEXT"
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


def literal(value: Path | str) -> str:
    """Return a SQL string; a path also has its wildcards escaped, for DuckDB would expand them."""
    written = str(value)
    if isinstance(value, Path):
        written = "".join(f"[{c}]" if c in "*?[" else c for c in written)
    return "'" + written.replace("'", "''") + "'"


def distinct(names: Sequence[str]) -> tuple[tuple[str, ...], list[str]]:
    """Return the names, with a number appended to each repeated one, and a notice for each renaming."""
    taken, found, notices = set(names), list[str](), list[str]()
    seen = set[str]()
    for name in names:
        free, count = name, 1
        while free in seen or (free != name and free in taken):
            count += 1
            free = f"{name}_{count}"
        if free != name:
            notices.append(f"another column is also called {name!r}: it is read as {free!r}")
        seen.add(free)
        found.append(free)
    return tuple(found), notices
