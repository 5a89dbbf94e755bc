"""What `states.py` does for one key after the other, for many keys at once: tiles of sums as columns, by the position of their value.

A batch of hundreds of inputs that came within a second reads of each key only whole stretches between two cuts, which are alike to all
of it (`Need`). Then all that is left to do is to add up columns. What comes of it is the same to the last bit.
"""

from bisect import bisect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from andon.features.domain import Series, Tile, TileDelta
from andon.features.states import Layer

MANY = 32
"""From so many values on NumPy's fixed cost is less than what it saves."""

Whole: TypeAlias = NDArray[np.int64]
Sums: TypeAlias = NDArray[np.float64]


class Stretch(NamedTuple):
    """The tiles of one series between two cuts, each value's merged; without entries where there is none.

    `span` is the number of the shortest span that reaches back to its beginning, counted from the shortest of all.
    """

    span: int
    starts: Whole
    entries: Whole
    totals: Sums
    least: Sums
    most: Sums

    @classmethod
    def of(cls, span: int, size: int, numbers: NDArray[Any], found: Sequence[NDArray[Any]]) -> "Stretch":
        """From what a store found: numbers of values, counted from 1, and the columns of their tiles in the order of `Tile`."""
        starts, entries = np.zeros(size, np.int64), np.zeros(size, np.int64)
        totals, least, most = np.zeros(size), np.full(size, np.inf), np.full(size, -np.inf)
        at = numbers.astype(np.int64) - 1
        for into, column in zip((starts, entries, totals, least, most), found, strict=True):
            into[at] = column
        return cls(span, starts, entries, totals, least, most)


class Stretches(Mapping[str, Sequence[Tile]]):
    """All tiles of one series that a batch reads, oldest stretch first; also as tiles by value, for who looks at one key."""

    def __init__(self, values: Sequence[str], stretches: Sequence[Stretch]) -> None:
        self._position = {value: at for at, value in enumerate(values)}
        self._stretches = stretches

    def __getitem__(self, value: str) -> Sequence[Tile]:
        return self._tiles[value]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tiles)

    def __len__(self) -> int:
        return len(self._tiles)

    @cached_property
    def _tiles(self) -> Mapping[str, Sequence[Tile]]:
        return self.some(list(self._position))

    def some(self, values: Sequence[str]) -> dict[str, list[Tile]]:
        """The tiles of some values, by value."""
        at = np.array([self._position[value] for value in values], np.int64)
        found: dict[str, list[Tile]] = {}
        for one in self._stretches:
            for value, *tile in zip(values, *(column[at].tolist() for column in one[1:]), strict=True):
                if tile[1]:
                    found.setdefault(value, []).append(Tile(*tile))
        return found

    def look_back(self, layer: Layer, values: Sequence[str], amounts: Sums) -> Iterator[tuple[str, list[Any]]]:
        """Each feature of the layer's spans, as the inputs of these values see it; `amounts` are their own, which are in no tile yet."""
        at = np.array([self._position[value] for value in values], np.int64)
        entries, totals, least, most = np.ones(len(values), np.int64), amounts, amounts, amounts
        for number, (_, named) in enumerate(layer.spans):
            for one in self._stretches:
                if one.span == number:
                    entries, totals = entries + one.entries[at], totals + one.totals[at]
                    least, most = np.minimum(least, one.least[at]), np.maximum(most, one.most[at])
            held = (entries, totals, totals / entries, least, most)
            for name, aggregate in named:
                yield name, held[aggregate].tolist()


@dataclass(frozen=True, slots=True)
class TileColumns:
    """What a batch adds to tiles of one series, many of them, each of another value, in the order of the values. See `TileDelta`."""

    series: Series
    values: list[str]
    starts: Whole
    entries: Whole
    totals: Sums
    least: Sums
    most: Sums
    until: Whole

    @property
    def more(self) -> None:
        """Nothing beyond sums."""
        return None

    @classmethod
    def of(cls, layer: Layer, values: list[str], amounts: Sums, at: Sums, kept: int, now: int) -> "TileColumns":
        """What single inputs at these moments (seconds since 1970) add; `kept` and `now` as in `Layer.delta`."""
        starts = np.floor_divide(at, layer.width).astype(np.int64) * layer.width
        until = np.maximum(starts, now) + (layer.longest + layer.width + kept)
        return cls(layer.series, values, starts, np.ones(len(values), np.int64), amounts, amounts, amounts, until)

    def each(self) -> Iterator[TileDelta]:
        """One by one."""
        numbers = (self.starts, self.entries, self.totals, self.least, self.most, self.until)
        rows = zip(self.values, *(column.tolist() for column in numbers), strict=True)
        for value, start, entries, total, least, most, until in rows:
            yield TileDelta(self.series, value, start, entries, total, least, most, None, until)

    def with_(self, others: Sequence[TileDelta]) -> "TileColumns":
        """These and some of other values, all in order."""
        if not others:
            return self
        _, values, starts, *sums, _, until = zip(*sorted(others, key=_place), strict=True)
        places = [bisect(self.values, value) for value in values]
        joined = self.values[:]
        for place, value in zip(reversed(places), reversed(values), strict=True):
            joined.insert(place, value)
        mine = (self.starts, self.entries, self.totals, self.least, self.most, self.until)
        columns = [np.insert(own, places, other) for own, other in zip(mine, (starts, *sums, until), strict=True)]
        return TileColumns(self.series, joined, *columns)


Delta: TypeAlias = TileDelta | TileColumns


def each(deltas: Iterable[Delta]) -> Iterator[TileDelta]:
    """All tiles one by one."""
    for delta in deltas:
        if isinstance(delta, TileColumns):
            yield from delta.each()
        else:
            yield delta


def joined(deltas: Iterable[Delta]) -> list[TileColumns] | None:
    """All of it by series, if each tile is named once and each series has columns; in the order of series, values and starts."""
    columns: dict[Series, TileColumns] = {}
    others: dict[Series, list[TileDelta]] = {}
    for delta in deltas:
        if not isinstance(delta, TileColumns):
            others.setdefault(delta.series, []).append(delta)
        elif delta.series in columns:
            return None
        else:
            columns[delta.series] = delta
    for series, some in others.items():
        if series not in columns or len({_place(one) for one in some}) < len(some):
            return None
        if not {one.value for one in some}.isdisjoint(columns[series].values):
            return None
    return [columns[series].with_(others.get(series, ())) for series in sorted(columns)]


def _place(delta: TileDelta) -> tuple[str, int]:
    return delta.value, delta.start
