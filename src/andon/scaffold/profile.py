"""Profiling: what the columns of a data file are, counted by DuckDB over all rows in bounded memory."""

from dataclasses import dataclass, replace
from typing import Any

import duckdb

from andon.datafile import DataFile, unreadable
from andon.scaffold import kinds, naming, notations
from andon.scaffold.domain import Column, ColumnKind, Notation
from andon.scaffold.kinds import Counts

TABLE = "profiled"

_SAMPLES = 200
_MOSTLY = 0.9


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a data file, loaded for profiling: `TABLE` with columns c0, c1, ..."""

    connection: duckdb.DuckDBPyConnection
    rows: int

    def one(self, select: str, where: str = "true") -> tuple[Any, ...]:
        """The one row of `SELECT select FROM the table WHERE where`."""
        row: tuple[Any, ...] = self.connection.execute(f"SELECT {select} FROM {TABLE} WHERE {where}").fetchall()[0]
        return row

    def values(self, cell: str, most: int) -> list[tuple[Any, int]]:
        """The most frequent values of a cell and how often they stand there; ties in the values' order."""
        return self.connection.execute(
            f"SELECT {cell}, count(*) FROM {TABLE} WHERE {cell} IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {most}"
        ).fetchall()


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
    """What each column is, and what the builder should know about how it was read."""
    found, notes = [], list[str]()
    for i, (name, field, kind) in enumerate(zip(data.names, naming.field_names(data.names), data.types, strict=True)):
        column = _column(table, Column(name, field, ColumnKind.EMPTY, f"c{i}"), kind, notes)
        found.append(column)
    return found, notes


def _column(table: Table, column: Column, stored: str, notes: list[str]) -> Column:
    if stored == "NESTED":
        return replace(column, kind=ColumnKind.NESTED, reason="holds lists, structures or bytes")
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
        return _text(table, column, counts, notes)
    if stored == "TIME":
        return _spread(table, replace(column, kind=ColumnKind.TIME, number=notations.time_sql(cell, None)))
    return _number(table, replace(column, number=cell), counts, whole=stored == "INTEGER")


def _text(table: Table, column: Column, counts: Counts, notes: list[str]) -> Column:
    cell = column.cell
    patterns = (notations.INTEGER, notations.NUMBER, notations.GROUPED, notations.COMMA, notations.ISO_TIME)
    counted = ", ".join(f"count(*) FILTER (regexp_full_match({cell}, '{pattern}'))" for pattern in patterns)
    codes = f"regexp_full_match({cell}, '{notations.PADDED}') OR regexp_full_match({cell}, '{notations.LONG}')"
    times = f"count({notations.time_sql(cell, None)})"
    integers, numbers, grouped, commas, iso, timed, coded = table.one(
        f"{counted}, {times}, count(*) FILTER ({codes})", f"{cell} IS NOT NULL"
    )
    if iso == timed == counts.filled:
        return _spread(table, replace(column, kind=ColumnKind.TIME, number=notations.time_sql(cell, None)))
    form = _time_format(table, column, counts, notes)
    if form:
        return _spread(
            table, replace(column, kind=ColumnKind.TIME, number=notations.time_sql(cell, form), time_format=form)
        )
    if coded == 0 and counts.filled in (numbers, grouped, commas):
        notation = (
            None if numbers == counts.filled else _notation(column, grouped == commas, grouped == counts.filled, notes)
        )
        spelled = replace(column, number=notations.number_sql(cell, notation), notation=notation)
        return _number(table, spelled, counts, whole=integers == counts.filled)
    kind, reason = kinds.of_text(counts)
    if not kind.learnable and _MOSTLY * counts.filled <= numbers < counts.filled and coded == 0:
        reason = _note_junk(table, column, counts.filled - numbers, notes)
    categories = tuple(value for value, _ in table.values(cell, kinds.MANY)) if kind is ColumnKind.CATEGORY else ()
    return replace(column, kind=kind, reason=reason, categories=categories)


def _number(table: Table, column: Column, counts: Counts, *, whole: bool) -> Column:
    column = replace(_spread(table, column), kind=ColumnKind.NUMBER)
    if not whole:
        return column
    kind, reason = kinds.of_integers(column.name, replace(counts, low=column.low, high=column.high))
    return replace(column, kind=kind, reason=reason, longest=len(f"{column.high:.0f}"))


def _spread(table: Table, column: Column) -> Column:
    low, median, high = table.one(f"min({column.number}), quantile_disc({column.number}, 0.5), max({column.number})")
    return replace(column, low=float(low), median=float(median), high=float(high))


def _notation(column: Column, ambiguous: bool, grouped: bool, notes: list[str]) -> Notation:
    if ambiguous:
        notes.append(f"{column.name}: a comma was read as a separator of thousands (1,234 is 1234)")
    return Notation.GROUPED if grouped else Notation.COMMA


def _time_format(table: Table, column: Column, counts: Counts, notes: list[str]) -> str | None:
    forms = notations.formats_of([value for value, _ in table.values(column.cell, _SAMPLES)])
    fitting = [form for form in forms if _fits(table, column.cell, form, counts.filled)]
    if {"%d/%m", "%m/%d"} <= {form[:5] for form in fitting} or {"%d-%m", "%m-%d"} <= {form[:5] for form in fitting}:
        notes.append(f"{column.name}: month or day first cannot be told; it is read as {fitting[0]} (see contract.py)")
    return fitting[0] if fitting else None


def _fits(table: Table, cell: str, form: str, filled: int) -> bool:
    compact = f" AND regexp_full_match({cell}, '(19|20)\\d{{6}}')" if form == notations.COMPACT_DATE else ""
    return bool(table.one(f"count(*) FILTER (try_strptime({cell}, '{form}') IS NOT NULL{compact})")[0] == filled)


def _note_junk(table: Table, column: Column, count: int, notes: list[str]) -> str:
    odd = [
        value
        for value, _ in table.connection.execute(
            f"SELECT {column.cell}, count(*) FROM {TABLE} WHERE {column.cell} IS NOT NULL"
            f" AND NOT regexp_full_match({column.cell}, '{notations.NUMBER}') GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 3"
        ).fetchall()
    ]
    spelled = ", ".join(_quoted(value) for value in odd)
    notes.append(
        f"{column.name}: nearly all values are numbers, but not {spelled} ({count:,} rows); empty these cells to use it"
    )
    return f"mixes numbers with {spelled}"


def _quoted(value: object, most: int = 30) -> str:
    text = str(value)
    return repr(text if len(text) <= most else text[:most] + "...")
