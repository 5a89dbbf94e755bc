"""The columnar form of `states.py`, for many keys at once: sums of tiles as columns, by the position of their value.

A batch of hundreds of inputs within one tile reads only whole stretches between two cuts, which are the same for all of
it (`Need`), and all it adds to a series goes into tiles of one start. The rest is adding up columns.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from andon.features.domain import Series, Tile, TileDelta, Value
from andon.features.states import NOTHING, Layer

MANY = 32
"""The number of values above which NumPy's fixed cost pays off."""

Whole: TypeAlias = NDArray[np.int64]
Sums: TypeAlias = NDArray[np.float64]


class Own(NamedTuple):
    """Of each of some inputs or values: how many entries a batch holds, their sum, the least and the most."""

    entries: Whole
    totals: Sums
    least: Sums
    most: Sums

    @classmethod
    def of(cls, sums: Sequence[tuple[int, float, float, float]]) -> "Own":
        """Make columns of rows."""
        entries, *rest = zip(*sums, strict=True) if sums else ((), (), (), ())
        return cls(np.array(entries, np.int64), *(np.array(one, np.float64) for one in rest))


class Stretch(NamedTuple):
    """The tiles of one series from `start` to the next cut, merged per value; without entries where there is none.

    The last place stands for inputs without a value. `span` is the index of the shortest span that reaches back to the
    start, counted from the shortest.
    """

    span: int
    start: int
    entries: Whole
    totals: Sums
    least: Sums
    most: Sums

    @classmethod
    def of(cls, span: int, start: int, places: NDArray[Any], sums: Sequence[NDArray[Any]]) -> "Stretch":
        """Build a stretch from what a store found: all places it has, with entries, totals, least and most of each."""
        columns = []
        for column, nothing in zip(sums, (0.0, 0.0, np.inf, -np.inf), strict=True):
            into = np.empty(len(places) + 1)
            into[places], into[-1] = column, nothing
            columns.append(into)
        entries, *rest = columns
        return cls(span, start, entries.astype(np.int64), *rest)


class Stretches(Mapping[str, Sequence[Tile]]):
    """All tiles of one series that a batch reads, oldest stretch first; also as a mapping from value to tiles."""

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
        found: dict[str, list[Tile]] = {}
        for one in self._stretches:
            columns = (one.entries, one.totals, one.least, one.most)
            for value, *sums in zip(self._position, *(column.tolist() for column in columns), strict=False):
                if sums[0]:
                    found.setdefault(value, []).append(Tile(one.start, *sums))
        return found

    def look_back(self, layer: Layer, values: Sequence[str | None], own: Own) -> Iterator[tuple[str, list[Value]]]:
        """Yield each feature of the layer's spans for inputs of these values; `own` is what the batch holds by then."""
        nobody = len(self._position)
        at = np.array([nobody if value is None else self._position[value] for value in values], np.int64)
        entries, totals, least, most = own
        for number, (_, _, named) in enumerate(layer.spans):
            for one in self._stretches:
                if one.span == number:
                    entries, totals = entries + one.entries[at], totals + one.totals[at]
                    least, most = np.minimum(least, one.least[at]), np.maximum(most, one.most[at])
            held = (entries, totals, totals / np.maximum(entries, 1), least, most)
            nothing = np.flatnonzero(entries == 0).tolist()
            for name, aggregate in named:
                column = held[aggregate].tolist()
                for row in nothing:
                    column[row] = NOTHING[aggregate]
                yield name, column


@dataclass(frozen=True, slots=True)
class TileColumns:
    """The tiles that a batch within one tile adds to one series, all of one start: by value, in order.

    See `TileDelta`.
    """

    series: Series
    start: int
    until: int
    values: list[str]
    own: Own

    @property
    def more(self) -> None:
        """Nothing beyond sums."""
        return None

    def each(self) -> Iterator[TileDelta]:
        """One by one."""
        for value, *sums in zip(self.values, *(column.tolist() for column in self.own), strict=True):
            yield TileDelta(self.series, value, *Tile(self.start, *sums), self.until)


Delta: TypeAlias = TileDelta | TileColumns


def each(deltas: Iterable[Delta]) -> Iterator[TileDelta]:
    """All tiles one by one."""
    for delta in deltas:
        if isinstance(delta, TileColumns):
            yield from delta.each()
        else:
            yield delta


def all_columns(deltas: Sequence[Delta]) -> list[TileColumns] | None:
    """Return the deltas if all are columns and no series occurs twice; None otherwise."""
    columns = [delta for delta in deltas if isinstance(delta, TileColumns)]
    if len(columns) < len(deltas) or len({one.series for one in columns}) < len(columns):
        return None
    return columns
