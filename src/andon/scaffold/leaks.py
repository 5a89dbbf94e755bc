"""Leaks: columns that alone tell the target nearly always, which mostly means that they were filled in afterwards."""

from collections.abc import Sequence
from dataclasses import replace

from andon.scaffold.domain import Column, ColumnKind, Target
from andon.scaffold.profile import TABLE, Table
from andon.scaffold.target import label_of

SUSPICIOUS = 0.995
"""An area under the curve, or a share of the wrong guesses avoided, from which a single column is too good to be true."""


def find(table: Table, columns: Sequence[Column], target: Column, classes: Target) -> tuple[list[Column], list[str]]:
    """The columns, copies of the target left out, and a warning for each leak."""
    found, notes = list[Column](), list[str]()
    for column in columns:
        why = _why(table, column, target, classes) if column.used else None
        if why is None:
            found.append(column)
            continue
        copy = column.distinct == len(classes.classes) and _avoided(table, column.cell, target) == 1.0
        if copy:
            found.append(replace(column, reason=f"is a copy of the target {target.name}"))
            notes.append(f"{column.name}: left out, it {why}")
        else:
            found.append(column)
            notes.append(f"{column.name}: {why}. If it is known only after the decision, take it out of train.py")
    return found, notes


def _why(table: Table, column: Column, target: Column, classes: Target) -> str | None:
    if column.kind in (ColumnKind.CATEGORY, ColumnKind.BOOLEAN) or column.distinct == len(classes.classes):
        avoided = _avoided(table, column.cell, target)
        if avoided >= SUSPICIOUS:
            return f"tells the target {target.name} by itself in {'all' if avoided == 1 else 'nearly all'} rows"
    if column.missing and _avoided(table, f"({column.cell} IS NULL)", target) >= SUSPICIOUS:
        return f"is filled in only for some values of the target {target.name}"
    if column.number is not None and classes.binary:
        area = _area(table, column.number, target, classes.classes[1])
        if max(area, 1 - area) >= SUSPICIOUS:
            return f"orders the target {target.name} by itself (area under the curve {max(area, 1 - area):.3f})"
    return None


def _avoided(table: Table, cell: str, target: Column) -> float:
    """Goodman and Kruskal's lambda: the share of wrong guesses of the target that knowing the cell avoids."""
    labelled = f"{target.cell} IS NOT NULL"
    grouped = f"SELECT {cell} AS x, {target.cell} AS y, count(*) AS n FROM {TABLE} WHERE {labelled} GROUP BY 1, 2"
    best = f"SELECT max(n) AS n FROM ({grouped}) GROUP BY x"
    alone = f"SELECT max(n) FROM (SELECT count(*) AS n FROM {TABLE} WHERE {labelled} GROUP BY {target.cell})"
    right, blind, rows = table.one(f"(SELECT sum(n) FROM ({best})), ({alone}), count(*)", labelled)
    return float((right - blind) / (rows - blind))


def _area(table: Table, number: str, target: Column, positive: str) -> float:
    """The area under the ROC curve of one number for the positive class, ties counted half; 0.5 where it says nothing."""
    raw = next(value for value, _ in table.values(target.cell, 2) if label_of(value) == positive)
    counted = (
        f"SELECT {number} AS x, count(*) FILTER ({target.cell} = $positive) AS p, count(*) AS n"
        f" FROM {TABLE} WHERE {target.cell} IS NOT NULL AND {number} IS NOT NULL GROUP BY 1"
    )
    below = f"SELECT p, n - p AS q, sum(n - p) OVER (ORDER BY x) - (n - p) AS lower FROM ({counted})"
    row = table.connection.execute(
        f"SELECT sum(p * (lower + q / 2.0)) / nullif(sum(p) * sum(q), 0) FROM ({below})", {"positive": raw}
    ).fetchall()[0]
    return 0.5 if row[0] is None else float(row[0])
