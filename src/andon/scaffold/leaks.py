"""Leaks: columns that follow the target, which mostly means that they were filled in after the decision."""

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from andon.scaffold import meaning
from andon.scaffold.domain import Column, ColumnKind, Target
from andon.scaffold.profile import TABLE, Table
from andon.scaffold.target import label_of

LARGEST_AREA = 0.99
"""An area under the curve of a single column that is too good to be true."""
MOST_AVOIDED = 0.98
"""The share of wrong guesses of the target that a single column may avoid."""
LATER = 0.95
"""The share of rows in which a time that is known only afterwards lies after that of the row."""

_MUCH_PURER = 0.02
_BY_CHANCE = 1e-6
_TAIL = 0.0025


def find(table: Table, columns: Sequence[Column], target: Column, classes: Target, time: Column | None) -> list[Column]:
    """Return the columns, those that follow the target with the reason to leave them out."""
    found = list[Column]()
    for column in columns:
        judged = column.learnable and (time is None or column.name != time.name)
        why = _why(table, column, target, classes, time) if judged else None
        found.append(column if why is None else replace(column, reason=why))
    return found


def _why(table: Table, column: Column, target: Column, classes: Target, time: Column | None) -> str | None:
    by_value = column.kind in (ColumnKind.CATEGORY, ColumnKind.BOOLEAN) or column.distinct == len(classes.classes)
    if by_value:
        avoided = _avoided(table, column.cell, target)
        if avoided >= MOST_AVOIDED:
            return f"reveals the target {target.name} by itself in {'all' if avoided == 1 else 'nearly all'} rows"
    if column.missing and (value := _filled_only_for(table, column, target)) is not None:
        return f"is filled in only for some values of the target {target.name}: it reveals {value!r}"
    if time is not None and column.kind is ColumnKind.TIME and _is_later(table, column, time):
        return f"is after {time.name} in nearly all rows, so it is known only later"
    if column.number is not None and column.kind is not ColumnKind.BOOLEAN:
        return ordered(table, column.number, target, classes)
    if by_value and classes.binary:
        area = _area_by_value(table, column.cell, target, classes.classes[1])
        if area >= LARGEST_AREA:
            return f"nearly reveals the target {target.name} by itself (area under the curve {area:.3f})"
    return None


def ordered(table: Table, number: str, target: Column, classes: Target) -> str | None:
    """Return the reason if a number alone orders the target too well to be honest, else None."""
    if classes.binary:
        area = _area(table, number, target, classes.classes[1])
        area = max(area, 1 - area)
        if area >= LARGEST_AREA:
            return f"orders the target {target.name} by itself (area under the curve {area:.3f})"
    elif _apart(table, number, target):
        return f"orders the target {target.name} by itself: each class has a range of its own"
    return None


def _avoided(table: Table, cell: str, target: Column) -> float:
    """Return Goodman and Kruskal's lambda: the share of wrong guesses of the target that knowing the cell avoids."""
    labelled = f"{target.cell} IS NOT NULL"
    grouped = f"SELECT {cell} AS x, {target.cell} AS y, count(*) AS n FROM {TABLE} WHERE {labelled} GROUP BY 1, 2"
    best = f"SELECT max(n) AS n FROM ({grouped}) GROUP BY x"
    alone = f"SELECT max(n) FROM (SELECT count(*) AS n FROM {TABLE} WHERE {labelled} GROUP BY {target.cell})"
    right, blind, rows = table.one(f"(SELECT sum(n) FROM ({best})), ({alone}), count(*)", labelled)
    return float((right - blind) / (rows - blind))


def _filled_only_for(table: Table, column: Column, target: Column) -> str | None:
    """Return the class of the target that a filled, or an empty, cell gives away far beyond chance, or None."""
    counted = table.connection.execute(
        f"SELECT {target.cell}, count({column.cell}), count(*) FROM {TABLE} WHERE {target.cell} IS NOT NULL GROUP BY 1"
    ).fetchall()
    filled, rows = sum(n for _, n, _ in counted), sum(n for _, _, n in counted)
    for value, with_value, of_class in counted:
        others = 1 - of_class / rows
        for within, among in ((with_value, filled), (of_class - with_value, rows - filled)):
            if among and _purer(among - within, among, others):
                return label_of(value)
    return None


def _purer(wrong: int, rows: int, expected: float) -> bool:
    """Return whether `wrong` of `rows` is far below the expected share, and not by chance (Chernoff's bound)."""
    share = wrong / rows
    if share > _MUCH_PURER * expected:
        return False
    divergence = math.log((1 - share) / (1 - expected)) * (1 - share) if expected < 1 else math.inf
    divergence += share * math.log(share / expected) if share else 0.0
    return rows * divergence > -math.log(_BY_CHANCE)


def _is_later(table: Table, column: Column, time: Column) -> bool:
    if time.kind is not ColumnKind.TIME or meaning.lies_ahead(column.name):
        return False
    both = f"{column.number} IS NOT NULL AND {time.number} IS NOT NULL"
    later, rows = table.one(f"count(*) FILTER ({column.number} > {time.number}), count(*)", both)
    return bool(rows and later >= LATER * rows)


def _apart(table: Table, number: str, target: Column) -> bool:
    """Return whether the ranges of the classes do not overlap, apart from a few rows."""
    quantiles = f"quantile_disc({number}, {_TAIL}), quantile_disc({number}, {1 - _TAIL})"
    found = table.connection.execute(
        f"SELECT {quantiles} FROM {TABLE} WHERE {target.cell} IS NOT NULL GROUP BY {target.cell}"
    ).fetchall()
    if any(low is None for low, _ in found):
        return False
    ranges = sorted(found)
    return all(before < after for (_, before), (after, _) in pairwise(ranges))


def _raw(table: Table, target: Column, label: str) -> object:
    return next(value for value, _ in table.values(target.cell, 2) if label_of(value) == label)


def _area(table: Table, number: str, target: Column, positive: str) -> float:
    """Return the area under the ROC curve of a number for the positive class; ties count half, no signal gives 0.5."""
    counted = (
        f"SELECT {number} AS x, count(*) FILTER ({target.cell} = $positive) AS p, count(*) AS n"
        f" FROM {TABLE} WHERE {target.cell} IS NOT NULL AND {number} IS NOT NULL GROUP BY 1"
    )
    return _area_of(table, counted, _raw(table, target, positive))


def _area_by_value(table: Table, cell: str, target: Column, positive: str) -> float:
    """Return the same area for values other than numbers, ranked by the share of positives in half of the rows.

    The other half of the rows measures the area.
    """
    labelled = f"{target.cell} IS NOT NULL"
    learnt = (
        f"SELECT {cell} AS v, avg(({target.cell} = $positive)::INT) AS share FROM {TABLE}"
        f" WHERE {labelled} AND hash(rowid) % 2 = 0 GROUP BY 1"
    )
    counted = (
        f"SELECT coalesce(share, 0.5) AS x, count(*) FILTER ({target.cell} = $positive) AS p, count(*) AS n"
        f" FROM {TABLE} LEFT JOIN ({learnt}) ON v IS NOT DISTINCT FROM {cell} WHERE {labelled} AND hash(rowid) % "
        "2 = 1 GROUP BY 1"
    )
    return _area_of(table, counted, _raw(table, target, positive))


def _area_of(table: Table, counted: str, positive: object) -> float:
    below = f"SELECT p, n - p AS q, sum(n - p) OVER (ORDER BY x) - (n - p) AS lower FROM ({counted})"
    row = table.connection.execute(
        f"SELECT sum(p * (lower + q / 2.0)) / nullif(sum(p) * sum(q), 0) FROM ({below})", {"positive": positive}
    ).fetchall()[0]
    return 0.5 if row[0] is None else float(row[0])
