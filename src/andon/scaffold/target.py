"""The target: which column is predicted, what its classes are, and why it may be of no use."""

import difflib
import math
from collections.abc import Sequence
from dataclasses import replace

from andon.scaffold.domain import Column, ColumnKind, Target
from andon.scaffold.errors import DataUnusable
from andon.scaffold.profile import Table

FEWEST_ROWS = 10
"""A class with fewer rows can be neither learnt nor measured."""
MOST_CLASSES = 50
MOST_NUMBERS = 20
"""A numeric target with more values is a quantity."""


def find(columns: Sequence[Column], name: str, role: str) -> Column:
    """Return the column of this name. Raises DataUnusable, with similar names."""
    for column in columns:
        if column.name == name:
            return column
    names = [column.name for column in columns]
    lowered = {other.lower(): other for other in names}
    close = [lowered[match] for match in difflib.get_close_matches(name.lower(), list(lowered), n=3, cutoff=0.6)]
    listed = ", ".join(names[:20]) + (", ..." if len(names) > 20 else "")
    hint = f"did you mean {' or '.join(map(repr, close))}?" if close else f"the columns are {listed}"
    raise DataUnusable(f"There is no column {name!r} for the {role}; {hint}")


def learn(table: Table, column: Column, positive: str | None, order: tuple[str, ...] = ()) -> tuple[Target, list[str]]:
    """Return the target's classes, in `order` if one is given, and notes about them. Raises DataUnusable."""
    values = [(label_of(value), count) for value, count in table.values(column.cell, MOST_CLASSES + 1)]
    _check_usable(column, values, table.rows)
    target = Target(
        name=column.name,
        classes=order or tuple(sorted((value for value, _ in values), key=_order)),
        counts=(),
        unlabelled=table.rows - sum(count for _, count in values),
    )
    counts = dict(values)
    if not target.binary:
        if positive is not None:
            raise DataUnusable(f"--positive is for a target of two values; {column.name!r} has {len(values)}")
        return replace(target, counts=tuple(counts[name] for name in target.classes)), []
    chosen, note = _positive(column, counts, positive)
    other = next(name for name in target.classes if name != chosen)
    return replace(target, classes=(other, chosen), counts=(counts[other], counts[chosen])), [note]


def is_quantity(column: Column) -> bool:
    """Return whether a target has too many different numbers to make each of them a class."""
    return column.number is not None and column.kind is not ColumnKind.TIME and column.distinct > MOST_NUMBERS


def label_of(value: object) -> str:
    """Return a class as text, spelled as `models.encode_labels` spells it: `true` for True, `1` for 1.0."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _check_usable(column: Column, values: Sequence[tuple[str, int]], rows: int) -> None:
    labelled = round(rows * (1 - column.missing))
    name = f"The target {column.name!r}"
    if not values:
        raise DataUnusable(f"{name} has no values")
    if 2 * labelled < rows:
        raise DataUnusable(f"{name} is mostly missing: {labelled:,} of {rows:,} rows have one")
    if len(values) == 1:
        raise DataUnusable(f"{name} is always {values[0][0]!r}; there is nothing to distinguish")
    if column.kind is ColumnKind.TIME:
        raise DataUnusable(f"{name} is a time; a model predicts classes")
    if column.distinct > MOST_CLASSES:
        raise DataUnusable(
            f"{name} has {column.distinct:,} different values; at most {MOST_CLASSES} classes can be learnt"
        )
    rare = [f"{value!r} ({count})" for value, count in values if count < FEWEST_ROWS]
    if rare:
        raise DataUnusable(
            f"{name}: too few rows to learn from and measure: {', '.join(rare[:5])}; each class needs {FEWEST_ROWS}."
            " Collect more, or leave out or merge the rare ones"
        )


def _positive(column: Column, counts: dict[str, int], asked: str | None) -> tuple[str, str]:
    if asked is not None and asked not in counts:
        raise DataUnusable(
            f"--positive {asked!r} is not a value of {column.name!r}; it has {' and '.join(map(repr, counts))}"
        )
    rarer = min(counts, key=lambda value: (counts[value], -_order(value)[0], value))
    chosen = asked if asked is not None else rarer
    share = 100 * counts[chosen] / sum(counts.values())
    why = "as given" if asked is not None else "the rarer value; choose with --positive"
    return chosen, f"{column.name}: {chosen!r} counts as positive ({share:.3g}% of rows; {why})"


def _order(value: str) -> tuple[float, str]:
    try:
        return float(value), value
    except ValueError:
        return math.inf, value
