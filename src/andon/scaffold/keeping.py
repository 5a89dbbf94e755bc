"""Keeping: brings back the columns that are left out by default and that the owner names."""

from collections.abc import Sequence
from dataclasses import replace

from andon.scaffold import kinds, target
from andon.scaffold.domain import Column, ColumnKind
from andon.scaffold.errors import DataUnusable
from andon.scaffold.profile import Table


def check(columns: Sequence[Column], names: Sequence[str], aim: Column) -> None:
    """Check that each name is that of a column which a model can use. Raises DataUnusable."""
    for name in names:
        column = target.find(columns, name, "kept column")
        if column is aim:
            raise DataUnusable(f"--keep {name!r}: it is the target, which no model may see")
        if not column.keepable:
            raise DataUnusable(f"--keep {name!r}: it {column.reason}, which no model can use")


def kept(table: Table, column: Column) -> Column:
    """Return the column as one that the model learns from."""
    if column.learnable:
        return replace(column, reason=None)
    if column.number is not None:
        return replace(column, kind=ColumnKind.NUMBER, reason=None)
    categories = tuple(value for value, _ in table.values(column.cell, kinds.MANY))
    return replace(column, kind=ColumnKind.CATEGORY, categories=categories, reason=None)
