"""Times: what a model sees of the times in a file. Hour, weekday and age also fit later rows; a raw time does not."""

from collections.abc import Sequence

from andon.scaffold import leaks, row_order
from andon.scaffold.domain import Column, ColumnKind, Target, TimeFeature, TimePart
from andon.scaffold.profile import Table

_DAY = 86_400


def features(
    table: Table, columns: Sequence[Column], aim: Column, goal: Target, time: Column | None
) -> tuple[tuple[TimeFeature, ...], list[str]]:
    """Return the parts of the time that orders the rows and of all other times that are not left out, with notes.

    Ages count up to the time that orders the rows or, where none does, up to the newest of the other times. An age that
    follows the target or the order of the rows is left out.
    """
    times = [c for c in columns if c.kind is ColumnKind.TIME and (c.reason is None or c is time)]
    origin = time if time in times else max(times, key=lambda c: c.median or 0.0, default=None)
    taken = {column.field for column in columns}
    found, notes = list[TimeFeature](), list[str]()
    for column in times:
        now = column is time
        if _has_hours(table, column):
            found.append(TimeFeature(_free(f"{column.field}_hour", taken), TimePart.HOUR, column.field, now=now))
        found.append(TimeFeature(_free(f"{column.field}_weekday", taken), TimePart.WEEKDAY, column.field, now=now))
        if origin is not None and column is not origin:
            if why := _unfit(table, f"({origin.number} - {column.number})", origin, aim, goal):
                notes.append(f"{column.name}: its age at {origin.name} is left out, it {why}")
                continue
            name = _free(f"{column.field}_age_days", taken)
            found.append(TimeFeature(name, TimePart.AGE, column.field, origin.field, now=origin is time))
    return tuple(found), notes


def _unfit(table: Table, age: str, origin: Column, aim: Column, goal: Target) -> str | None:
    if why := leaks.ordered(table, age, aim, goal):
        return why
    along = row_order.correlation(table, age, str(origin.number))
    return f"only says how late {origin.name} is" if abs(along) >= row_order.GROWING else None


def _has_hours(table: Table, column: Column) -> bool:
    filled = f"{column.number} IS NOT NULL"
    return bool(table.one(f"count(*) FILTER (CAST({column.number} AS BIGINT) % {_DAY} <> 0)", filled)[0])


def _free(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    taken.add(name)
    return name
