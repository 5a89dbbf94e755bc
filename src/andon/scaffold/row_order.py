"""Row order: numbers that grow with the row or identify it, from which a model would learn the file by heart."""

from collections.abc import Sequence
from dataclasses import replace

from andon.scaffold import meaning
from andon.scaffold.domain import Column, ColumnKind
from andon.scaffold.profile import TABLE, Table

GROWING = 0.95
"""The rank correlation of a column with the row's number from which it follows the order of the rows."""
FEWEST_STEPS, FEW_STEPS = 5, 20
"""With so few values a column follows the rows only if it goes up in equal steps."""
FEWEST_ROWS = 20
NEARLY_UNIQUE = 0.95
LONG = 7
"""Digits of an identifier, all of one length."""

_SAMPLE = 4_000
_EVEN = 0.05


def find(table: Table, columns: Sequence[Column]) -> list[Column]:
    """Return the columns, those that follow the rows or identify them with the reason to leave them out."""
    return [_judged(table, column) for column in columns]


def _judged(table: Table, column: Column) -> Column:
    numeric = column.kind in (ColumnKind.NUMBER, ColumnKind.INTEGER) and column.number is not None
    if not numeric or column.reason is not None or table.rows < FEWEST_ROWS:
        return column
    if order := _order(table, column):
        return replace(column, reason=order)
    if _identifies(table, column):
        return replace(
            column, kind=ColumnKind.IDENTIFIER, reason="is different in nearly every row, like an identifier"
        )
    return column


def _order(table: Table, column: Column) -> str | None:
    if column.distinct < FEWEST_STEPS:
        return None
    along = correlation(table, str(column.number))
    if abs(along) < GROWING:
        return None
    way = "grows" if along > 0 else "falls"
    if column.distinct > FEW_STEPS:
        return f"{way} with the number of the row (rank correlation {along:.2f})"
    return f"{way} in equal steps along the rows" if _even_steps(table, column) else None


def correlation(table: Table, number: str, order: str = "rowid") -> float:
    """Return Spearman's rank correlation of a number with the order of the rows, over an even sample of them."""
    sampled = f"SELECT {number} AS x, {order} AS p FROM {TABLE} WHERE {_sampled(table, number)} AND {order} IS NOT NULL"
    ranked = f"SELECT {_rank('x')} AS r, {_rank('p')} AS s FROM ({sampled})"
    row = table.connection.execute(
        f"SELECT CASE WHEN count(DISTINCT r) > 1 AND count(DISTINCT s) > 1 THEN corr(r, s) END FROM ({ranked})"
    ).fetchall()[0]
    return 0.0 if row[0] is None else float(row[0])


def _rank(value: str) -> str:
    """Return the SQL of a value's rank; equal values share the middle of their ranks."""
    return f"rank() OVER (ORDER BY {value}) + (count(*) OVER (PARTITION BY {value}) - 1) / 2.0"


def _sampled(table: Table, number: str | None) -> str:
    """Return the SQL condition of an even sample of the rows that have the number."""
    return f"{number} IS NOT NULL AND rowid % {max(1, table.rows // _SAMPLE)} = 0"


def _even_steps(table: Table, column: Column) -> bool:
    """Return whether all values occur in about as many rows, except perhaps the last value in fewer."""
    counts = f"SELECT count(*) AS n FROM {TABLE} WHERE {column.number} IS NOT NULL GROUP BY {column.number}"
    rows = table.connection.execute(f"SELECT n FROM ({counts}) ORDER BY n").fetchall()
    whole = [count for (count,) in rows][1:]
    return bool(whole[-1] - whole[0] <= max(1, whole[-1] // 50))


def _identifies(table: Table, column: Column) -> bool:
    """Return whether whole numbers that hardly repeat look like identifiers: by name, by length or by even spread."""
    filled = table.rows * (1 - column.missing)
    low, high = column.low, column.high
    if column.distinct < NEARLY_UNIQUE * filled or filled < FEWEST_ROWS or low is None or high is None or low < 0:
        return False
    if meaning.is_quantity(column.name) or not _whole(table, column):
        return False
    if meaning.is_identity(column.name):
        return True
    digits = len(f"{high:.0f}")
    return (digits >= LONG and len(f"{low:.0f}") == digits) or _unevenness(table, column) < _EVEN + 1 / filled**0.5


def _whole(table: Table, column: Column) -> bool:
    """Return whether all values are whole, however they are written."""
    number = column.number
    if column.kind is ColumnKind.INTEGER:
        return True
    broken = table.one(f"count(*) FILTER ({number} <> floor({number}))")[0]
    return bool(broken == 0)


def _unevenness(table: Table, column: Column) -> float:
    """Return the largest distance between the column's distribution and an even one over its range."""
    span = f"nullif(max({column.number}) OVER () - min({column.number}) OVER (), 0)"
    placed = (
        f"SELECT ({column.number} - min({column.number}) OVER ()) / {span} AS x,"
        f" cume_dist() OVER (ORDER BY {column.number}) AS share FROM {TABLE} WHERE {_sampled(table, column.number)}"
    )
    row = table.connection.execute(f"SELECT max(abs(x - share)) FROM ({placed})").fetchall()[0]
    return 1.0 if row[0] is None else float(row[0])
