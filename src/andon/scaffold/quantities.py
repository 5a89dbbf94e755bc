"""Quantities: a target of many numbers, made into classes at cuts that its owner names or that part the rows evenly."""

import math
import shlex
from dataclasses import dataclass, replace
from itertools import pairwise

from andon.datafile import Query, Source
from andon.scaffold.domain import Column, ColumnKind, Cuts, Notation, shown_number
from andon.scaffold.errors import DataUnusable
from andon.scaffold.profile import TABLE, Table

_PROPOSED = ("low", "middle", "high")
_DIGITS = 3
"""Significant digits of a proposed cut, more where values lie closer together."""

_MOST_DIGITS = 15
_READERS = {
    None: "float(value)",
    Notation.COMMA: 'float(read_number(value, ",") or "nan")',
    Notation.GROUPED: 'float(read_number(value, ".") or "nan")',
}


@dataclass(frozen=True, slots=True)
class Classing:
    """The owner's request: names of classes and their cuts; without cuts the classes are of equal size."""

    classes: tuple[str, ...] = ()
    cuts: tuple[float, ...] = ()


def cut(table: Table, column: Column, asked: Classing) -> tuple[Column, Cuts]:
    """Make a column of classes of a quantity. Raises DataUnusable."""
    if column.number is None or column.kind is ColumnKind.TIME:
        raise DataUnusable(f"--classes is for a target of numbers; {column.name!r} has none")
    if column.notation not in _READERS:
        raise DataUnusable(
            f"The target {column.name!r} is written as {column.notation}; write plain numbers for --classes"
        )
    _check(asked)
    at = asked.cuts or _evenly(table, column, len(asked.classes))
    tests = " ".join(
        f"WHEN {column.number} < {bound!r} THEN {_text(name)}"
        for bound, name in zip(at, asked.classes[:-1], strict=True)
    )
    sql = f"CASE WHEN {column.number} IS NULL THEN NULL {tests} ELSE {_text(asked.classes[-1])} END"
    classed = replace(
        column, kind=ColumnKind.CATEGORY, cell=sql, number=None, notation=None, distinct=len(asked.classes)
    )
    found = {value for value, _ in table.values(sql, len(asked.classes))}
    empty = [name for name in asked.classes if name not in found]
    if empty:
        low, high = table.one(f"min({column.number}), max({column.number})")
        raise DataUnusable(
            f"No row is {empty[0]!r}: {column.name!r} ranges from {shown_number(low)} to {shown_number(high)}"
        )
    return classed, Cuts(asked.classes, at, _READERS[column.notation])


def proposed(table: Table, column: Column, name: str, source: Source, time: str | None) -> str:
    """Write the command that makes three classes of about equal size of a quantity."""
    rows = (
        ["--query", source.sql, "--url-env", source.url_env] if isinstance(source, Query) else ["--from", str(source)]
    )
    at = ",".join(map(shown_number, _evenly(table, column, len(_PROPOSED))))
    words = ["andon", "init", name, *rows, "--target", column.name]
    words += ["--time", time] if time is not None else []
    return shlex.join([*words, "--classes", ",".join(_PROPOSED), "--cuts", at])


def _check(asked: Classing) -> None:
    names, cuts = asked.classes, asked.cuts
    if cuts and not names:
        raise DataUnusable(
            f"--cuts needs --classes: the names of the {len(cuts) + 1} classes that they make, from low to high"
        )
    if len(names) < 2 or not all(names) or len(set(names)) != len(names):
        raise DataUnusable(f"--classes needs two or more different names, from low to high, got {','.join(names)!r}")
    if cuts and len(cuts) != len(names) - 1:
        raise DataUnusable(
            f"{len(names)} classes need {len(names) - 1} cuts, got {len(cuts)}: {','.join(map(shown_number, cuts))}"
        )
    if not all(math.isfinite(one) for one in cuts) or any(low >= high for low, high in pairwise(cuts)):
        raise DataUnusable(f"--cuts needs rising numbers, got {','.join(map(shown_number, cuts))}")


def _evenly(table: Table, column: Column, classes: int) -> tuple[float, ...]:
    """Return the quantiles that divide the rows evenly, rounded as far as they stay distinct."""
    shares = ", ".join(f"{number / classes}" for number in range(1, classes))
    ((exact,),) = table.connection.execute(
        f"SELECT quantile_disc({column.number}, [{shares}]) FROM {TABLE} WHERE {column.number} IS NOT NULL"
    ).fetchall()
    (low,) = table.one(f"min({column.number})")
    exact = [float(one) for one in exact]
    for digits in range(_DIGITS, _MOST_DIGITS):
        rounded = [float(f"{one:.{digits}g}") for one in exact]
        if all(a < b for a, b in pairwise([float(low), *rounded])):
            return tuple(rounded)
    raise DataUnusable(
        f"Most rows of the target {column.name!r} have the same number, {shown_number(exact[0])}, so it cannot "
        "be divided evenly; set "
        "the cuts with --classes and --cuts"
    )


def _text(name: str) -> str:
    return "'" + name.replace("'", "''") + "'"
