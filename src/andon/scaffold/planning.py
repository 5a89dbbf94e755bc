"""Planning: from a data file to everything the templates need, or the reason why nothing can be made of it."""

import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from andon import datafile
from andon.scaffold import keeping, leaks, profile, row_order, target, times, windows
from andon.scaffold.domain import ORDERING, Column, ColumnKind, Plan, Target, TimeFeature
from andon.scaffold.errors import DataUnusable
from andon.scaffold.profile import Table

HELD_OUT = 0.25
"""The share of the rows that a model is measured on; the newest ones where there is a time."""
FEWEST_HELD_OUT = 2
"""Rows of each class among them: one to calibrate with, one to measure on."""


def plan(
    name: str,
    source: Path,
    *,
    target_name: str,
    time_name: str | None,
    positive: str | None,
    keep: Sequence[str] = (),
    with_windows: bool | None = None,
) -> Plan:
    """Look at the whole file once and decide what the project will contain. Raises DataUnusable, DataFileInvalid."""
    with datafile.reading(source) as data:
        table = profile.load(data)
        if table.rows < 2:
            raise DataUnusable(
                f"{source} holds {'one row' if table.rows else 'no rows'}; nothing can be learnt from that"
            )
        columns, read = profile.columns(data, table)
        aim = target.find(columns, target_name, "target")
        goal, told = target.learn(table, aim, positive)
        time = None if time_name is None else _time(table, columns, time_name, aim)
        keeping.check(columns, keep, aim)
        inputs, kept = _inputs(table, columns, aim, goal, time, keep)
        time = None if time is None else target.find(inputs, time.name, "time")
        parts, aged = times.features(table, inputs, aim, goal, time)
        _check_features(source, inputs, parts)
        proposed = windows.tried(table, inputs, aim, goal, time, with_windows)
    notes = [
        *told,
        *_about_rows(goal, time, table.rows),
        *_about_times(inputs, time, table.rows),
        *read,
        *kept,
        *_left_out(inputs, time),
        *aged,
        *map(windows.about, proposed),
    ]
    return Plan(name, source, table.rows, tuple(inputs), goal, time, tuple(notes), parts, proposed)


def _inputs(
    table: Table, columns: Sequence[Column], aim: Column, goal: Target, time: Column | None, keep: Sequence[str]
) -> tuple[list[Column], list[str]]:
    """The columns beside the target with the reasons to leave some out, and a note for each that is kept all the same."""
    others = [column for column in columns if column is not aim]
    judged = leaks.find(table, row_order.find(table, others), aim, goal, time)
    ordered = [_ordering(column) if time is not None and column.name == time.name else column for column in judged]
    notes = [f"{c.name}: kept as you asked, though it {c.reason}" for c in ordered if c.name in keep and c.reason]
    return [keeping.kept(table, c) if c.name in keep else c for c in ordered], notes


def _ordering(column: Column) -> Column:
    return replace(column, reason=ORDERING)


def _time(table: Table, columns: Sequence[Column], name: str, aim: Column) -> Column:
    column = target.find(columns, name, "time")
    if column is aim:
        raise DataUnusable(f"{name!r} cannot be both the target and the time")
    if column.number is None:
        raise DataUnusable(f"--time {name!r}: its values are neither times nor numbers, so they do not order the rows")
    ordered = (
        f"SELECT {aim.cell} AS y, row_number() OVER (ORDER BY {column.number}) > {1 - HELD_OUT} * count(*) OVER () AS newest"
        f" FROM {profile.TABLE} WHERE {aim.cell} IS NOT NULL AND {column.number} IS NOT NULL"
    )
    parts = table.connection.execute(
        f"SELECT y, count(*) FILTER (newest), count(*) FROM ({ordered}) GROUP BY y"
    ).fetchall()
    for value, newest, rows in parts:
        if newest < FEWEST_HELD_OUT or newest == rows:
            raise DataUnusable(
                f"--time {name!r}: {newest:,} of {rows:,} rows of {aim.name} {str(value)!r} lie in the newest quarter, on which"
                " the model is measured; some, but not all, must. Without --time the rows are split at random"
            )
    return column


def _check_features(source: Path, columns: Sequence[Column], parts: Sequence[TimeFeature]) -> None:
    if not parts and not any(column.used for column in columns):
        why = "; ".join(f"{column.name} {column.reason}" for column in columns[:10])
        kept = next((column.name for column in columns if column.keepable), None)
        hint = "" if kept is None else f". --keep {shlex.quote(kept)} brings one back"
        raise DataUnusable(f"{source} has no column to learn from: {why or 'it holds the target alone'}{hint}")


def _about_rows(goal: Target, time: Column | None, rows: int) -> list[str]:
    notes = []
    if goal.unlabelled:
        notes.append(f"{goal.name}: {goal.unlabelled:,} rows without a value are not trained on")
    if time is not None and time.missing:
        notes.append(f"{time.name}: {round(rows * time.missing):,} rows without a value are not trained on")
    return notes


def _about_times(columns: Sequence[Column], time: Column | None, rows: int) -> list[str]:
    found = [column.name for column in columns if column.kind is ColumnKind.TIME]
    if time is not None or not found:
        return []
    who = [column.name for column in windows.identifiers(columns, rows)]
    tried = f", and windows by {who[0]} are tried" if who else ""
    quoted = shlex.quote(found[0])
    return [
        f"{found[0]} is a time: with --time {quoted} the model is measured on the newest rows, as in real life{tried}"
    ]


def _left_out(columns: Sequence[Column], time: Column | None) -> list[str]:
    """A line for each column that the model does not use, with the option that brings it back."""
    notes = []
    for column in columns:
        if column.reason and (time is None or column.name != time.name):
            back = f"; --keep {shlex.quote(column.name)} brings it back" if column.keepable else ""
            notes.append(f"{column.name}: left out, it {column.reason}{back}")
    return notes
