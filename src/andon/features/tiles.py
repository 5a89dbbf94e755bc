"""The hot SQL of tiles: one query reads those of a batch, and the statement that records it writes them.

The cold SQL is in `store.py`.
"""

from bisect import insort
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise
from operator import itemgetter
from typing import Any, NamedTuple

import asyncpg
import numpy as np

from andon.features.columns import MANY, Delta, Stretch, Stretches, TileColumns, Whole, all_columns, each
from andon.features.domain import More, Needs, Series, Snapshot, Tile, TileDelta
from andon.features.sketch import K
from andon.kernel.binary import numbers_in


class _Stretch(NamedTuple):
    """The tiles of a need between two times, the second exclusive. Tiles that the whole batch shares come merged.

    `span` is the index of the shortest span that reaches back to the beginning of such a stretch, counted from the
    shortest.
    """

    need: int
    since: int
    before: int
    together: bool
    span: int
    more: tuple[bool, bool, bool] | None


def _stretches(needs: Needs) -> list[_Stretch]:
    """Return the stretches to read, without empty ones.

    A batch spans a second or two, so most pairs of cuts coincide.
    """
    found = []
    for number, need in enumerate(needs):
        places = pairwise((need.since + 1, *need.cuts, need.upto + 1))
        for at, (since, before) in enumerate(places):
            if since < before:
                span = len(need.cuts) // 2 - at // 2
                found.append(_Stretch(number, since, before, bool(need.cuts) and at % 2 == 0, span, need.more))
    return found


@lru_cache(maxsize=256)
def _read_sql(shapes: tuple[tuple[int, bool, tuple[bool, bool, bool] | None], ...], needs: int) -> str:
    """Return the query for stretches: of each its need, whether its tiles come merged, and what it reads beyond sums.

    Its parameters are the series and values of each need, and then both ends of each stretch.
    """
    beyond = any(more is not None for _, _, more in shapes)
    return " UNION ALL ".join(
        _stretch_sql(number, 2 * needs + 2 * at + 1, together, _beyond_sql(more) if beyond else "")
        for at, (number, together, more) in enumerate(shapes)
    )


_SENT = {"entries": "0", "total": "0", "least": "'Infinity'", "most": "'-Infinity'"}
"""The columns of a stretch and their values where there is no tile.

Doubles add up in a tenth less time than bigints.
"""


@lru_cache(maxsize=256)
def _columns_sql(sizes: tuple[int, ...]) -> str:
    """Return the query for merged stretches as columns in memory layout, so that no number becomes a Python object.

    Stretches of the same values form a group, which is one row; `sizes` are the sizes of the groups. Parameters: for
    each group its values, and then for each of its stretches the series and both ends.
    """
    first, groups = 1, []
    for at, size in enumerate(sizes):
        places = range(first + 1, first + 1 + 3 * size, 3)
        sent = [f"coalesce(s{place}.{name}, {none})" for place in places for name, none in _SENT.items()]
        arrays = [f"array_send(array_agg({column}))" for column in ("n.number", *sent)]
        arrays += ["NULL::bytea"] * (len(_SENT) * (max(sizes) - size))
        looks = " ".join(f"CROSS JOIN LATERAL ({_sums_sql(place)}) AS s{place}" for place in places)
        groups.append(
            f"SELECT {at}, {', '.join(arrays)} FROM unnest(${first}::text[]) WITH ORDINALITY AS n(value, "
            f"number) {looks}"
        )
        first += 1 + 3 * size
    return " UNION ALL ".join(groups)


def _sums_sql(place: int) -> str:
    """Return the sums of a value's tiles as SQL; the parameters from `place` on are the series and both ends."""
    return (
        "SELECT sum(f.entries::float8) AS entries, sum(f.total) AS total, min(f.least) AS least, max(f.most) AS most "
        f"FROM feature_tiles AS f WHERE f.series = ${place}::bigint AND f.value = n.value "
        f"AND f.start >= ${place + 1}::bigint AND f.start < ${place + 2}::bigint"
    )


def _stretch_sql(number: int, first: int, together: bool, beyond: str) -> str:
    """Return the query for a need's tiles, single or merged.

    Merging happens in the database, by an index scan for each value, since a busy key has hundreds of tiles.
    """
    sums = f"max(f.start) AS start, sum(f.entries)::bigint, sum(f.total), min(f.least), max(f.most){beyond}"
    by = "" if together else " GROUP BY f.start"
    return (
        f"(SELECT {number}, n.number, t.* FROM unnest(${2 * number + 2}::text[]) WITH ORDINALITY AS n(value, number) "
        f"CROSS JOIN LATERAL (SELECT {sums} FROM feature_tiles AS f WHERE f.series = ${2 * number + 1}::bigint "
        f"AND f.value = n.value AND f.start >= ${first}::bigint AND f.start < ${first + 1}::bigint{by}) AS t "
        "WHERE t.start IS NOT NULL)"
    )


def _beyond_sql(more: tuple[bool, bool, bool] | None) -> str:
    """Return the merged contents beyond sums as SQL: NULL (unknown) if any tile lacks them.

    The newest entries come with their tiles.
    """
    spread, last, members = more or (False, False, False)
    columns = [
        "CASE WHEN count(f.spread) = count(*) THEN "
        "(feature_spread(ARRAY[f.entries::float8, f.total, f.spread]) FILTER (WHERE f.spread IS NOT NULL))[3] END"
        if spread
        else "NULL::float8",
        *(
            ("array_agg(f.start)", "array_agg(f.last_at)", "array_agg(f.last_number)", "array_agg(f.last_text)")
            if last
            else ("NULL::bigint[]", "NULL::float8[]", "NULL::float8[]", "NULL::text[]")
        ),
        "CASE WHEN count(f.members) = count(*) THEN feature_members(f.members) END" if members else "NULL::bigint[]",
    ]
    return ", " + ", ".join(columns)


_MERGED = {
    "entries": "t.entries + excluded.entries",
    "total": "t.total + excluded.total",
    "least": "LEAST(t.least, excluded.least)",
    "most": "GREATEST(t.most, excluded.most)",
    "until": "GREATEST(t.until, excluded.until)",
}

_NEWER = "t.last_at IS NULL OR excluded.last_at IS NULL OR excluded.last_at >= t.last_at"
"""Whether the newest entry is that of the batch; if either is unknown, the merged one is."""

_MERGED_MORE = {
    "spread": "t.spread + excluded.spread + power(excluded.total / excluded.entries - t.total / t.entries, 2)"
    " * t.entries * excluded.entries / (t.entries + excluded.entries)",
    "last_at": "CASE WHEN t.last_at IS NOT NULL AND excluded.last_at IS NOT NULL"
    " THEN GREATEST(t.last_at, excluded.last_at) END",
    "last_number": f"CASE WHEN {_NEWER} THEN excluded.last_number ELSE t.last_number END",
    "last_text": f"CASE WHEN {_NEWER} THEN excluded.last_text ELSE t.last_text END",
    "members": "CASE WHEN t.members @> excluded.members THEN t.members WHEN t.members IS NOT NULL AND "
    "excluded.members IS NOT NULL THEN ARRAY(SELECT DISTINCT m FROM unnest(t.members || excluded.members) AS m "
    f"ORDER BY m LIMIT {K}) END",
}
"""The merges of stored and new state; the same as `domain.merged`. Unknown (NULL) stays unknown."""

MERGED = ", ".join(f"{name} = {merge}" for name, merge in (_MERGED | _MERGED_MORE).items())
"""The same as SQL, for `t` and `excluded`."""

_UNKNOWN = dict.fromkeys(_MERGED_MORE, "NULL")
"""The rest of a tile after a batch that keeps only sums adds to it."""

_COLUMNS = {
    "series": "bigint",
    "value": "text",
    "start": "bigint",
    "entries": "bigint",
    "total": "double precision",
    "least": "double precision",
    "most": "double precision",
    "until": "bigint",
    "width": "bigint",
}
_COLUMNS_MORE = {
    "spread": "double precision",
    "last_at": "double precision",
    "last_number": "double precision",
    "last_text": "text",
    "members": "text",
}
"""The parameters of an upsert. `members` is an array's text, since arrays of arrays have to be rectangular."""

_start_of = itemgetter(0)
_place = itemgetter(0, 1, 2)

_NO_MORE = (None,) * len(_COLUMNS_MORE)


async def read(connection: asyncpg.Connection, needs: Needs) -> Snapshot:
    """All tiles a batch needs, in one query; those of sums as plain tuples, which are made in half the time."""
    if not needs:
        return {}
    stretches = _stretches(needs)
    if _as_columns(needs, stretches):
        return await _read_columns(connection, needs, stretches)
    keys = [part for need in needs for part in (need.series.id, need.values)]
    ends = [end for stretch in stretches for end in (stretch.since, stretch.before)]
    shapes = tuple((stretch.need, stretch.together, stretch.more) for stretch in stretches)
    found = await connection.fetch(_read_sql(shapes, len(needs)), *keys, *ends)
    by_need: list[dict[str, list[Any]]] = [{} for _ in needs]
    values = [need.values for need in needs]
    plain = all(need.more is None for need in needs)
    for layer, number, *numbers in found:
        tile = (*numbers, None) if plain else Tile._make((*numbers[:5], _more_of_row(numbers[5:])))
        own, value = by_need[layer], values[layer][number - 1]
        if value in own:
            insort(own[value], tile, key=_start_of)
        else:
            own[value] = [tile]
    return {need.series: tiles for need, tiles in zip(needs, by_need, strict=True)}


def _as_columns(needs: Needs, stretches: Sequence[_Stretch]) -> bool:
    """Return whether it is worth it, and all that is read is alike to the whole batch."""
    many = max(len(need.values) for need in needs) >= MANY
    return many and all(stretch.together and stretch.more is None for stretch in stretches)


async def _read_columns(connection: asyncpg.Connection, needs: Needs, stretches: Sequence[_Stretch]) -> Snapshot:
    groups: dict[int, list[_Stretch]] = {}
    for stretch in stretches:
        groups.setdefault(id(needs[stretch.need].values), []).append(stretch)  # layers of a plan share them
    together = list(groups.values())
    parameters: list[Any] = []
    for group in together:
        parameters.append(needs[group[0].need].values)
        for stretch in group:
            parameters += (needs[stretch.need].series.id, stretch.since, stretch.before)
    by_need: list[list[Stretch]] = [[] for _ in needs]
    for at, numbers, *sent in await connection.fetch(_columns_sql(tuple(map(len, together))), *parameters):
        places = numbers_in(numbers, ">i8") - 1
        for number, stretch in enumerate(together[at]):
            columns = sent[number * len(_SENT) : (number + 1) * len(_SENT)]
            sums = [numbers_in(column, ">f8") for column in columns]
            by_need[stretch.need].append(Stretch.of(stretch.span, stretch.since, places, sums))
    return {need.series: Stretches(need.values, found) for need, found in zip(needs, by_need, strict=True)}


def has_more(deltas: Sequence[Delta]) -> bool:
    """Return whether any of these tiles holds more than sums, which `insert_sql` and `columns_of` have to know."""
    return any(delta.more is not None for delta in deltas)


def insert_sql(first: int, *, more: bool) -> str:
    """Return the upsert of tiles as part of a larger statement: array parameters from number `first` on.

    `columns_of` builds the parameters. Rows are locked in the given order (`_turn`), so that two gateways cannot
    deadlock. Elements of fixed size that are never NULL are read by subscript: PostgreSQL takes twice as long to unnest
    such an array.
    """
    columns = _COLUMNS | (_COLUMNS_MORE if more else {})
    arrays = {name: f"${first + i}::{kind}[]" for i, (name, kind) in enumerate(columns.items())}
    unnested = ["value", *(_COLUMNS_MORE if more else ())]
    taken = {name: f"d.{name}" if name in unnested else f"({array})[d.number::int]" for name, array in arrays.items()}
    if more:
        taken["members"] += "::bigint[]"
    merges = _MERGED | (_MERGED_MORE if more else _UNKNOWN)
    sets = ", ".join(f"{name} = {merge}" for name, merge in merges.items())
    return (
        f"INSERT INTO feature_tiles AS t ({', '.join(taken)}) SELECT {', '.join(taken.values())} "
        f"FROM unnest({', '.join(arrays[name] for name in unnested)}) WITH ORDINALITY AS d({', '.join(unnested)}, "
        f"number) ORDER BY d.number ON CONFLICT (series, value, start) DO UPDATE SET {sets}"
    )


def columns_of(deltas: Sequence[Delta], *, more: bool) -> list[Any]:
    """Return the parameters of `insert_sql`: one sequence per column, for deltas of one or several batches.

    Each tile occurs once.
    """
    if not deltas:
        return [() for _ in range(len(_COLUMNS) + (len(_COLUMNS_MORE) if more else 0))]
    together = None if more else all_columns(deltas)
    if together is not None:
        return _columns_together(together)
    ordered = sorted(each(deltas), key=lambda delta: _turn(delta.series, delta.value, delta.start))
    series, values, starts, *sums, beyond, until = zip(*ordered, strict=True)
    if len(set(zip(series, values, starts, strict=True))) < len(ordered):
        return columns_of(_each_once(ordered), more=more)
    columns = [[one.id for one in series], values, starts, *sums, until, [one.steps[0].width for one in series]]
    return columns + list(zip(*map(_more_of, beyond), strict=True)) if more else columns


def _turn(series: Series, value: str, start: int) -> tuple[str, str, str, int, int]:
    """Return the sort key of a tile for all writers: tiles of a value are adjacent, as in the index."""
    return series.automation, series.by, value, series.id, start


def _columns_together(together: Sequence[TileColumns]) -> list[Any]:
    values, order = _in_turn(together)
    sizes = [len(one.values) for one in together]
    series, starts, untils, widths = (
        np.repeat(column, sizes)[order]
        for column in zip(
            *((one.series.id, one.start, one.until, one.series.steps[0].width) for one in together), strict=True
        )
    )
    sums = (np.concatenate(column)[order] for column in zip(*(one.own for one in together), strict=True))
    return [series, values, starts, *sums, untils, widths]


def _in_turn(together: Sequence[TileColumns]) -> tuple[list[str], Whole]:
    """Return the values of these tiles in the order of `_turn`, and their source positions.

    The layers of one plan hold the very same values, in order: for each value all of them follow, by series, and
    nothing is compared.
    """
    values = together[0].values
    if all(one.values is values for one in together):
        layers = sorted(range(len(together)), key=lambda at: (together[at].series.id, together[at].start))
        places = np.array(layers) * len(values) + np.arange(len(values))[:, None]
        return [value for value in values for _ in layers], places.ravel()
    turns = [_turn(one.series, value, one.start) for one in together for value in one.values]
    order = sorted(range(len(turns)), key=turns.__getitem__)
    return [turns[at][2] for at in order], np.array(order)


def _each_once(ordered: Iterable[TileDelta]) -> list[TileDelta]:
    once: dict[tuple[Series, str, int], TileDelta] = {}
    for delta in ordered:
        before = once.get(_place(delta))
        once[_place(delta)] = delta if before is None else before.merged(delta)
    return list(once.values())


def _more_of(more: More | None) -> tuple[Any, ...]:
    if more is None:
        return _NO_MORE
    spread, last_at, last, members = more
    written = None if members is None else f"{{{','.join(map(str, members))}}}"
    if type(last) is str:
        return spread, last_at, None, last, written
    return spread, last_at, last, None, written


def _more_of_row(values: Sequence[Any]) -> More:
    spread, starts, moments, numbers, texts, members = values
    last_at, last = None, None
    if starts is not None:
        newest = 0 if len(starts) == 1 else starts.index(max(starts))
        last_at, text_ = moments[newest], texts[newest]
        last = numbers[newest] if text_ is None else text_
    sketch = None if members is None else tuple(members)
    return More(spread, last_at, last, sketch)
