"""Planning: from a data file to everything the templates need, or the reason why nothing can be made of it."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from andon import datafile
from andon.scaffold import leaks, profile, quantities, target, trial
from andon.scaffold.domain import Column, ColumnKind, Plan, Target
from andon.scaffold.errors import DataUnusable
from andon.scaffold.profile import Table
from andon.scaffold.proposal import propose
from andon.scaffold.quantities import Classing

HELD_OUT = 0.25
"""The share of the rows that a model is measured on; the newest ones where there is a time."""
_MOST_HELD_OUT = 0.4
_ROWS_THAT_PROVE = 240.0
"""So many held-out rows prove an error of 5% with room for a few errors: three quarters of them test it."""
FEWEST_HELD_OUT = 2
"""Rows of each class among them: one to calibrate with, one to measure on."""


def plan(
    name: str,
    source: Path,
    *,
    target_name: str,
    time_name: str | None,
    positive: str | None,
    classing: Classing | None = None,
) -> Plan:
    """Look at the whole file once and decide what the project will contain. Raises DataUnusable, DataFileInvalid."""
    with datafile.reading(source) as data:
        table = profile.load(data)
        if table.rows < 2:
            raise DataUnusable(
                f"{source} holds {'one row' if table.rows else 'no rows'}; nothing can be learnt from that"
            )
        columns, read = profile.columns(data, table)
        written = aim = target.find(columns, target_name, "target")
        cuts = None
        if classing is not None:
            aim, cuts = quantities.cut(table, written, classing)
        elif target.is_quantity(aim):
            raise DataUnusable(_about_quantity(aim, quantities.proposed(table, aim, name, source, time_name)))
        goal, told = target.learn(table, aim, positive, () if cuts is None else cuts.classes)
        if cuts is not None:
            told = [f"{written.name}: {cuts.words()}", *told]
        time = None if time_name is None else _time(table, columns, time_name, aim)
        inputs, warned = leaks.find(
            table, [_kept(column, time) for column in columns if column is not written], aim, goal
        )
        _check_features(source, inputs)
        held_out = HELD_OUT if time is not None else _held_out(sum(goal.counts))
        proposal = propose(goal, trial.run(table, aim, goal, inputs, time, held_out))
    notes = [
        *told,
        *_about_rows(goal, time, table.rows),
        *_about_times(inputs, time),
        *read,
        *warned,
        *_left_out(inputs),
    ]
    return Plan(name, source, table.rows, tuple(inputs), goal, time, proposal, held_out, tuple(notes), cuts)


def _about_quantity(column: Column, command: str) -> str:
    return (
        f"The target {column.name!r} is a quantity ({column.distinct:,} different numbers), and a line decides between classes. "
        f"This makes three of about equal size of it; name others, and cut where your decision changes:\n\n    {command}\n"
    )


def _held_out(rows: int) -> float:
    """A quarter, or more where that would be too few rows to prove anything, but at most two fifths."""
    return round(min(_MOST_HELD_OUT, max(HELD_OUT, _ROWS_THAT_PROVE / rows)), 2)


def _kept(column: Column, time: Column | None) -> Column:
    return (
        replace(column, reason="orders the rows; a model would learn the past by heart") if column is time else column
    )


def _time(table: Table, columns: Sequence[Column], name: str, aim: Column) -> Column:
    column = target.find(columns, name, "time")
    if column.name == aim.name:
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


def _check_features(source: Path, columns: Sequence[Column]) -> None:
    if not any(column.used for column in columns):
        why = "; ".join(f"{column.name} {column.reason}" for column in columns[:10])
        raise DataUnusable(f"{source} has no column to learn from: {why or 'it holds the target alone'}")


def _about_rows(goal: Target, time: Column | None, rows: int) -> list[str]:
    notes = []
    if goal.unlabelled:
        notes.append(f"{goal.name}: {goal.unlabelled:,} rows without a value are not trained on")
    if time is not None and time.missing:
        notes.append(f"{time.name}: {round(rows * time.missing):,} rows without a value are not trained on")
    return notes


def _about_times(columns: Sequence[Column], time: Column | None) -> list[str]:
    times = [column.name for column in columns if column.kind is ColumnKind.TIME]
    if time is not None or not times:
        return []
    return [f"{times[0]} is a time: with --time {times[0]} the model is measured on the newest rows, as in real life"]


def _left_out(columns: Sequence[Column]) -> list[str]:
    return [f"{column.name}: not used by the model, it {column.reason}" for column in columns if column.reason]
