"""Windows: recent counts and sums by account, proposed and tried where a file has identifiers and a time."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from andon.authoring import Window
from andon.features import FeatureSet
from andon.scaffold import meaning, window_gain
from andon.scaffold.domain import Column, ColumnKind, Target, WindowTrial
from andon.scaffold.errors import DataUnusable
from andon.scaffold.profile import TABLE, Table

OVER = ("1h", "24h")
AGGREGATES = ("count", "sum")
MOST = 3
"""The most identifiers that are tried."""
FEWEST_VALUES = 10
"""Different values of an identifier; with fewer its windows are about everybody."""
LARGEST_FILE = 500_000
"""The most rows without sampling: beyond it a project trains on a sample, in which windows would lack rows."""

_AMOUNTS = frozenset(("amount", "amt", "betrag", "price", "sum", "total", "value", "payment", "paid"))


def tried(
    table: Table, columns: Sequence[Column], aim: Column, goal: Target, time: Column | None, asked: bool | None
) -> tuple[WindowTrial, ...]:
    """Return the windows that suit these columns, each with its gain. `asked` is whether the owner wants them.

    Without the owner's answer, windows with a gain are written. Raises DataUnusable if windows are asked for and none
    make sense.
    """
    field, known = _field(columns), identifiers(columns, table.rows)
    possible = time is not None and time.kind is ColumnKind.TIME and field is not None and bool(known)
    if asked and not possible:
        raise DataUnusable(
            "--windows needs a --time whose values are times, an identifier that repeats, such as an "
            "account, and a number"
        )
    if time is None or field is None or not possible or asked is False or (asked is None and table.rows > LARGEST_FILE):
        return ()
    found = []
    for column in known[:MOST]:
        measured = _trial(table, columns, aim, goal, time, field, column)
        found.append(replace(measured, written=measured.gains if asked is None else asked))
    return tuple(found)


def identifiers(columns: Sequence[Column], rows: int) -> list[Column]:
    """Return the columns that name things which come again, the most different first."""
    return sorted((c for c in columns if _is_identifier(c, rows)), key=lambda c: c.distinct, reverse=True)


def named(trial: WindowTrial) -> Window:
    """Return the declaration of a trial's windows."""
    return Window(trial.field, by=trial.by, over=OVER, aggregates=AGGREGATES, name=f"{trial.field}_by_{trial.by}")


def about(trial: WindowTrial) -> str:
    """Return what a trial showed, and what follows from it, in one sentence."""
    what = f"windows of {trial.field} by {trial.by} over 1 h and 24 h"
    if trial.without is None or trial.with_it is None:
        shown = "not measured: the newest quarter has too few rows of each class"
    else:
        shown = (
            f"{trial.measure} on the newest {trial.rows:,} rows is {trial.without:.3f} without "
            f"and {trial.with_it:.3f} with them"
        )
    if trial.written:
        return f"{what}: {shown}; they are in features.py; --no-windows leaves them out"
    return f"{what}: {shown}; they show no certain gain and are left out; --windows writes them"


def _is_identifier(column: Column, rows: int) -> bool:
    """Return whether the column names things that occur repeatedly, such as accounts."""
    repeats = column.distinct >= FEWEST_VALUES and 2 * column.distinct <= rows * (1 - column.missing)
    kinds = (ColumnKind.IDENTIFIER, ColumnKind.CATEGORY, ColumnKind.INTEGER)
    named_so = column.kind is ColumnKind.IDENTIFIER or meaning.is_identity(column.name)
    return repeats and column.kind in kinds and named_so


def _field(columns: Sequence[Column]) -> Column | None:
    """Return the amount to sum: found by its name, else the non-negative number with the longest tail."""
    numbers = [c for c in columns if c.used and c.kind in (ColumnKind.NUMBER, ColumnKind.INTEGER)]
    numbers = [c for c in numbers if not meaning.is_identity(c.name)]
    amounts = [c for c in numbers if not _AMOUNTS.isdisjoint(meaning.words_of(c.name))]
    counted = [c for c in numbers if (c.low or 0.0) >= 0 and (c.high or 0.0) > 1]
    longest = sorted(counted, key=lambda c: (c.high or 0.0) / max(c.median or 0.0, 1.0), reverse=True)
    return next(iter([*amounts, *longest]), None)


def _trial(
    table: Table, columns: Sequence[Column], aim: Column, goal: Target, time: Column, field: Column, by: Column
) -> WindowTrial:
    numbers = [column for column in columns if column.used and column.kind is not ColumnKind.TEXT]
    used = numbers[: window_gain.MOST_COLUMNS]
    cells = ", ".join(window_gain.cell_of(column) for column in used)
    newest = (
        f"SELECT {time.number}, {by.cell}, {field.number}, {aim.cell}, {cells} FROM {TABLE}"
        f" WHERE {time.number} IS NOT NULL ORDER BY {time.number} DESC, rowid DESC LIMIT {window_gain.MOST_ROWS}"
    )
    rows = table.connection.execute(newest).fetchall()[::-1]
    declared = WindowTrial(field.field, by.field, "", None, None, 0, gains=False)
    inputs = [{field.field: row[2], by.field: None if row[1] is None else str(row[1])} for row in rows]
    at = [datetime.fromtimestamp(row[0], UTC) for row in rows]
    seen = FeatureSet("trial", [named(declared)]).compute(inputs, at, {}).rows
    names = named(declared).names
    most = tuple((name, max((float(row[name] or 0) for row in seen), default=0.0)) for name in names)
    labelled = [number for number, row in enumerate(rows) if row[3] is not None]
    shown = window_gain.compare(
        [rows[n][4:] for n in labelled],
        [[seen[n][name] for name in names] for n in labelled],
        [rows[n][3] for n in labelled],
        [column.kind in (ColumnKind.CATEGORY, ColumnKind.BOOLEAN) for column in used],
        goal,
    )
    return replace(
        declared,
        measure=shown.measure,
        without=shown.without,
        with_it=shown.with_it,
        rows=shown.rows,
        gains=shown.gains,
        most=most,
    )
