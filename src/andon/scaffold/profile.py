"""Profiling: what the columns of a data file are, counted by DuckDB over all rows in bounded memory."""

from dataclasses import dataclass, replace
from typing import Any

import duckdb

from andon import notations
from andon.datafile import DataFile, unreadable
from andon.scaffold import kinds, naming, prose
from andon.scaffold.domain import Column, ColumnKind, Notation
from andon.scaffold.kinds import Counts

TABLE = "profiled"

_SAMPLES = 200
_FEW_SAMPLES = 30
_MOSTLY = 0.9
_COMPACT_DATE = len("20261231")
"""The only times that are numbers, too."""
_SPELLINGS = 8
"""So many spellings of true and false are there in a mix of case that anybody would write."""
_MARKS = {None: None, Notation.GROUPED: notations.POINT, Notation.COMMA: notations.COMMA}


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a data file, loaded for profiling: `TABLE` with columns c0, c1, ..."""

    connection: duckdb.DuckDBPyConnection
    rows: int

    def one(self, select: str, where: str = "true") -> tuple[Any, ...]:
        """Return the single row of `SELECT select FROM the table WHERE where`."""
        row: tuple[Any, ...] = self.connection.execute(f"SELECT {select} FROM {TABLE} WHERE {where}").fetchall()[0]
        return row

    def values(self, cell: str, most: int) -> list[tuple[Any, int]]:
        """Return the most frequent values of a cell with their counts; ties in the order of the values."""
        return self.connection.execute(
            f"SELECT {cell}, count(*) FROM {TABLE} WHERE {cell} IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {most}"
        ).fetchall()

    def sample(self, cell: str, most: int) -> list[str]:
        """Return some values of a cell of text, the same ones each time."""
        rows = self.connection.execute(
            f"SELECT {cell} FROM (SELECT {cell} FROM {TABLE} WHERE {cell} IS NOT NULL)"
            f" USING SAMPLE reservoir({most} ROWS) REPEATABLE (1)"
        ).fetchall()
        return [str(value) for (value,) in rows]


def load(data: DataFile) -> Table:
    """Read all rows once. Raises DataFileInvalid, which names the line that cannot be read."""
    try:
        data.connection.execute("SET TimeZone = 'UTC'")
        data.connection.execute(f"CREATE TABLE {TABLE} AS {data.source}")
    except duckdb.Error as error:
        raise unreadable(data.path, error) from error
    rows = data.connection.execute(f"SELECT count(*) FROM {TABLE}").fetchall()[0][0]
    return Table(data.connection, rows)


def columns(data: DataFile, table: Table) -> tuple[list[Column], list[str]]:
    """Return the kind and the facts of each column, and notes for the builder on how they were read."""
    found, notes = [], list[str]()
    for i, (name, field, kind) in enumerate(zip(data.names, naming.field_names(data.names), data.types, strict=True)):
        column = _column(table, Column(name, field, ColumnKind.EMPTY, f"c{i}"), kind, notes)
        found.append(column)
    return found, notes


def _column(table: Table, column: Column, stored: str, notes: list[str]) -> Column:
    if stored == "NESTED":
        return replace(column, kind=ColumnKind.NESTED, reason="contains lists, structures or bytes")
    cell = column.cell
    longest = f"max(length({cell})), count(*) FILTER (regexp_matches({cell}, '\\s'))" if stored == "TEXT" else "0, 0"
    filled, distinct, length, words = table.one(f"count({cell}), count(DISTINCT {cell}), {longest}")
    column = replace(column, missing=1 - filled / table.rows, distinct=distinct, longest=length or 0)
    if not filled:
        return replace(column, reason="has no values")
    if distinct == 1 and filled == table.rows:
        return replace(column, kind=ColumnKind.CONSTANT, reason=f"is always {_quoted(table.values(cell, 1)[0][0])}")
    counts = Counts(rows=table.rows, filled=filled, distinct=distinct, longest=length or 0, words=words)
    if distinct == 2 and kinds.is_boolean(str(value) for value, _ in table.values(cell, 2)):
        return replace(column, kind=ColumnKind.BOOLEAN)
    if stored == "TEXT":
        return _truths(table, column) or _text(table, column, counts, notes)
    if stored == "TIME":
        return _spread(table, replace(column, kind=ColumnKind.TIME, number=notations.time_sql(cell, None)))
    return _number(table, replace(column, number=cell), counts, whole=stored == "INTEGER")


def _truths(table: Table, column: Column) -> Column | None:
    """Return the column as a boolean in lower case if it is one, in whatever mix of case: True, TRUE, false."""
    if column.distinct > _SPELLINGS:
        return None
    values = {str(value).lower() for value, _ in table.values(column.cell, _SPELLINGS)}
    if not kinds.is_boolean(values):
        return None
    return replace(column, kind=ColumnKind.BOOLEAN, cell=f"lower({column.cell})", distinct=2)


def _text(table: Table, column: Column, counts: Counts, notes: list[str]) -> Column:
    cell = column.cell
    numbered = (
        notations.INTEGER,
        notations.NUMBER,
        notations.number_pattern(notations.POINT),
        notations.number_pattern(notations.COMMA),
        notations.PLAIN_ISO,
    )
    counted = ", ".join(f"count(*) FILTER ({notations.matches_sql(cell, pattern)})" for pattern in numbered)
    codes = " OR ".join(notations.matches_sql(cell, pattern) for pattern in (notations.PADDED, notations.LONG))
    times = f"count({notations.time_sql(cell, None)})"
    integers, numbers, points, commas, iso, timed, coded = table.one(
        f"{counted}, {times}, count(*) FILTER ({codes})", f"{cell} IS NOT NULL"
    )
    if iso == timed == counts.filled:
        return _spread(table, replace(column, kind=ColumnKind.TIME, number=notations.time_sql(cell, None)))
    plain = numbers == counts.filled and not (integers == numbers and counts.longest == _COMPACT_DATE)
    if not plain and (form := _time_format(table, column, counts, notes)):
        return _spread(
            table, replace(column, kind=ColumnKind.TIME, number=notations.time_sql(cell, form), time_format=form)
        )
    if counts.filled in (numbers, points, commas) and (
        coded == 0 or (numbers == counts.filled and _epoch(table, column))
    ):
        notation = None if numbers == counts.filled else _notation(points == counts.filled)
        spelled = replace(column, number=notations.number_sql(cell, _MARKS[notation]), notation=notation)
        if notation is not None:
            _note_notation(table, spelled, points == commas, notes)
        return _number(table, spelled, counts, whole=integers == counts.filled)
    kind, reason = kinds.of_text(counts)
    if kind is not ColumnKind.CATEGORY:
        kind, reason = _worded(table, column, kind, reason)
    if coded == 0 and (rest := _unread(table, column, counts, max(points, commas, numbers), points >= commas)):
        what, count, odd = rest
        share = 1 - count / counts.filled
        if not kind.learnable or share >= _MOSTLY:
            notes.append(
                f"{column.name}: {_nearly(share)} values are {what}, but not {odd} ({count:,} rows); empty these "
                "cells to use it"
            )
            reason = f"mixes {what} with {odd}" if not kind.learnable else reason
    categories = tuple(value for value, _ in table.values(cell, kinds.MANY)) if kind is ColumnKind.CATEGORY else ()
    return replace(column, kind=kind, reason=reason, categories=categories)


def _worded(table: Table, column: Column, kind: ColumnKind, reason: str | None) -> tuple[ColumnKind, str | None]:
    """Return a column of words as free text if it reads like that, else with the reason why a model cannot use it."""
    if prose.reads_like_prose(column.name, table.sample(column.cell, prose.SAMPLES)):
        return ColumnKind.TEXT, None
    return (kind, prose.NO_PROSE) if kind is ColumnKind.TEXT else (kind, reason)


def _number(table: Table, column: Column, counts: Counts, *, whole: bool) -> Column:
    column = replace(_spread(table, column), kind=ColumnKind.NUMBER)
    low, high = column.low or 0.0, column.high or 0.0
    if column.notation is None and (unit := notations.epoch_of(column.name, low, high)):
        return _spread(
            table,
            replace(column, kind=ColumnKind.TIME, number=notations.time_sql(column.cell, unit), time_format=unit),
        )
    if not whole:
        return column
    kind, reason = kinds.of_integers(column.name, replace(counts, low=column.low, high=column.high))
    return replace(column, kind=kind, reason=reason, longest=len(f"{column.high:.0f}"))


def _epoch(table: Table, column: Column) -> bool:
    """Return whether whole numbers that are too long for a number are the time in microseconds."""
    low, high = table.one(f"min(TRY_CAST({column.cell} AS DOUBLE)), max(TRY_CAST({column.cell} AS DOUBLE))")
    return low is not None and notations.epoch_of(column.name, low, high) is not None


def _spread(table: Table, column: Column) -> Column:
    low, median, high = table.one(f"min({column.number}), quantile_disc({column.number}, 0.5), max({column.number})")
    return replace(column, low=float(low), median=float(median), high=float(high))


def _notation(point: bool) -> Notation:
    return Notation.GROUPED if point else Notation.COMMA


def _note_notation(table: Table, column: Column, ambiguous: bool, notes: list[str]) -> None:
    """Note what a reader could have meant otherwise: commas, per cents and currencies."""
    cell = column.cell
    commas, points, per_cents, filled, currencies = table.one(
        f"count(*) FILTER ({cell} LIKE '%,%'), count(*) FILTER ({cell} LIKE '%.%'),"
        f" count(*) FILTER ({cell} LIKE '%\\%%' ESCAPE '\\'), count({cell}), {notations.currencies_sql(cell)}"
    )
    if ambiguous and commas:
        notes.append(f"{column.name}: a comma was read as a thousands separator (1,234 is 1234)")
    elif ambiguous and points:
        notes.append(f"{column.name}: a point was read as the decimal mark ($1.234 is 1.234)")
    if 0 < per_cents < filled:
        notes.append(
            f"{column.name}: {per_cents:,} of {filled:,} values have a per cent sign; 5% is read as 5, as 5 is"
        )
    named = sorted(currency for currency in currencies or () if currency)
    if len(named) > 1:
        notes.append(f"{column.name}: amounts in {', '.join(named[:5])} are read as plain numbers")


def _time_format(table: Table, column: Column, counts: Counts, notes: list[str]) -> str | None:
    forms = notations.formats_of([value for value, _ in table.values(column.cell, _SAMPLES)])
    fitting = [form for form in forms if _read(table, column.cell, form) == counts.filled]
    if {"%d/%m", "%m/%d"} <= {form[:5] for form in fitting} or {"%d-%m", "%m-%d"} <= {form[:5] for form in fitting}:
        notes.append(
            f"{column.name}: whether month or day comes first is unclear; it is read as {fitting[0]} (see contract.py)"
        )
    return fitting[0] if fitting else None


def _read(table: Table, cell: str, form: str) -> int:
    """Count the cells that can be read as times in this form."""
    return int(table.one(f"count({notations.time_sql(cell, form)})")[0])


def _unread(table: Table, column: Column, counts: Counts, numbers: int, point: bool) -> tuple[str, int, str] | None:
    """Return the form of at least half of the values, the count of the others and three of these, or None."""
    if 2 * numbers > counts.filled:
        mark = notations.POINT if point else notations.COMMA
        patterns = (notations.NUMBER, notations.number_pattern(mark))
        fits = " OR ".join(notations.matches_sql(column.cell, pattern) for pattern in patterns)
        return "numbers", *_odd(table, column.cell, fits)
    form = notations.likeliest_of([value for value, _ in table.values(column.cell, _FEW_SAMPLES)])
    if form is None:
        return None
    return "times", *_odd(table, column.cell, f"{notations.time_sql(column.cell, form)} IS NOT NULL")


def _odd(table: Table, cell: str, fits: str) -> tuple[int, str]:
    """Count the cells that do not fit, and show three of their values."""
    unfit = f"{cell} IS NOT NULL AND NOT coalesce({fits}, false)"
    found = table.connection.execute(
        f"SELECT {cell}, count(*) FROM {TABLE} WHERE {unfit} GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 3"
    ).fetchall()
    return int(table.one("count(*)", unfit)[0]), ", ".join(_quoted(value) for value, _ in found)


def unordered(table: Table, column: Column) -> tuple[int, str]:
    """Return how many values of a column are no times, in the form that most of them have, and three of these."""
    form = notations.likeliest_of([value for value, _ in table.values(column.cell, _FEW_SAMPLES)])
    return _odd(table, column.cell, "false" if form is None else f"{notations.time_sql(column.cell, form)} IS NOT NULL")


def _nearly(share: float) -> str:
    return "nearly all" if share >= _MOSTLY else f"{100 * share:.0f}% of the"


def _quoted(value: object, most: int = 30) -> str:
    text = str(value)
    return repr(text if len(text) <= most else text[:most] + "...")
