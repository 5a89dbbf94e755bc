"""The tiles of one key during a batch: the stored ones with the batch's additions, and the additions alone.

This is on the hot path of every decision of a line with windows, hence the plain lists and the single pass over a key's
tiles.
"""

import math
from bisect import insort
from collections.abc import Sequence
from itertools import accumulate, pairwise
from operator import itemgetter
from typing import Any, TypeAlias

from andon.features.domain import More, Need, Series, Step, Tile, TileDelta, Value, between
from andon.features.sketch import add_all, count_of, hash_of, union

Numbers: TypeAlias = list[Any]
"""A tile that grows: start, entries, total, least, most; and if it holds more: spread, last_at, last, members."""

Entry: TypeAlias = tuple[float, float | str]
"""The addition of one input: the number to sum (0 for texts), and the value."""

start_of = itemgetter(0)

_new = tuple.__new__
"""Makes a named tuple of ordered values, in a third of its own class's time."""


class Layer:
    """The spans of a plan that share the tiles of one series, shortest first, with the features each gives."""

    def __init__(self, series: Series, more: tuple[bool, bool, bool] | None) -> None:
        self.series = series
        self.first = series.steps[0]
        self.more = more
        self.spreads, self.remembers, self.sketched = more or (False, False, False)
        self.spans: list[tuple[int, Step, list[tuple[str, int]]]] = []

    @property
    def longest(self) -> int:
        """The longest span, in seconds."""
        return self.spans[-1][0]

    def add(self, span: int, named: list[tuple[str, int]]) -> None:
        """One more span with its features: their names and which aggregate each is."""
        for known, _, features in self.spans:
            if known == span:
                features += named
                return
        step = next(step for step in self.series.steps if span <= step.longest)
        insort(self.spans, (span, step, named), key=start_of)

    def edges(self, at: float) -> list[int]:
        """Return the earliest tile that each span sees, shortest span first, in non-increasing order."""
        return list(accumulate((step.start_of(at - span) + step.width for span, step, _ in self.spans), min))

    def delta(self, value: str, tile: Tile, kept: int, now: int) -> TileDelta:
        """Return the batch's addition to one tile, kept for `kept` seconds after the last span reads it.

        The time counts from `now` on if the input was waiting in a stream until then.
        """
        return _new(TileDelta, (self.series, value, *tile, self.until(tile[0], kept, now)))

    def delta_of(self, value: str, entry: Entry, at: float, kept: int, now: int) -> TileDelta:
        """Return the same for a single entry, where tiles hold sums."""
        start, amount = self.first.start_of(at), entry[0]
        until = self.until(start, kept, now)
        return _new(TileDelta, (self.series, value, start, 1, amount, amount, amount, None, until))

    def until(self, start: int, kept: int, now: int) -> int:
        """Return when a tile that has not grown is no longer read."""
        return (start if start > now else now) + self.first.seconds + kept

    def need(self, values: Sequence[str], first: float, last: float) -> Need:
        """Return the tiles that inputs at `first` to `last` read.

        The far ends of their spans lie between pairs of cuts.
        """
        edges = list(zip(self.edges(first), self.edges(last), strict=True))
        cuts = [edge for pair in reversed(edges) for edge in pair]
        since = cuts[0] - 1
        cuts.append(self.first.start_of(first) + self.first.width)
        if any(one > other for one, other in pairwise(cuts)):
            cuts = []  # the inputs are further apart than the spans, so no two tiles are alike to all
        return Need(self.series, values, since, math.floor(last), cuts, self.more)


def look_back(layer: Layer, tiles: Sequence[Any], at: float, own: Entry | None, features: dict[str, Value]) -> None:
    """Write the aggregates of all spans into `features`, in one pass from the newest tile back.

    `own` is an entry that is in no tile yet.
    """
    position = len(tiles) - 1
    while position >= 0 and tiles[position][0] > at:
        position -= 1
    if own is None:
        entries, total, least, most = 0, 0.0, math.inf, -math.inf
    else:  # in the newest tile, so the sum is the same as if it were there
        entries, total, least, most = 1, own[0], own[0], own[0]
    for span, (width, _), named in layer.spans:
        edge = (at - span) // width * width + width
        while position >= 0:
            start, n, t, low, high, _ = tiles[position]
            if start < edge:
                break
            entries += n
            total += t
            if low < least:
                least = low
            if high > most:
                most = high
            position -= 1
        held = (entries, total, total / entries, least, most) if entries else NOTHING
        for name, aggregate in named:
            features[name] = held[aggregate]


class SumState:
    """Tiles of sums, oldest first. Those that came from the store are tuples until something is added to them."""

    __slots__ = ("_added", "_layer", "_tiles")

    def __init__(self, layer: Layer, tiles: Sequence[Tile]) -> None:
        self._layer = layer
        self._tiles: list[Any] = list(tiles)
        self._added: dict[int, Numbers] = {}

    def passed(self, entry: Entry | None, at: float, features: dict[str, Value]) -> None:
        """Count an input if it is an entry, then write what the windows hold into `features`."""
        if entry is not None:
            self.count(entry, at)
        look_back(self._layer, self._tiles, at, None, features)

    def count(self, entry: Entry, at: float) -> None:
        """Count an input, and look at nothing."""
        amount, tiles = entry[0], self._tiles
        start = self._layer.first.start_of(at)
        if tiles and tiles[-1][0] >= start:
            self._count(start, [start, 1, amount, amount, amount, None])
        else:  # the first in the newest tile, as most are
            tiles.append([start, 1, amount, amount, amount, None])
            self._added[start] = [start, 1, amount, amount, amount, None]

    def add_deltas(self, value: str, kept: int, now: int, added: list[TileDelta]) -> None:
        """Append the batch's additions to `added`, one delta for each tile."""
        added += [self._layer.delta(value, self._tile(numbers), kept, now) for numbers in self._added.values()]

    def copied(self) -> "SumState":
        """Return a copy of the current tiles, for an input that must leave no trace in them."""
        copy = type(self)(self._layer, ())
        copy._tiles = [tuple(tile) for tile in self._tiles]
        return copy

    def _count(self, start: int, entry: Numbers) -> None:
        tiles = self._tiles
        if not tiles or tiles[-1][0] < start:
            tiles.append(entry[:])
        else:
            place = len(tiles) - 1
            while place >= 0 and tiles[place][0] > start:
                place -= 1
            if place >= 0 and tiles[place][0] == start:
                tiles[place] = self._grown(list(tiles[place]), entry)
            else:
                tiles.insert(place + 1, entry[:])
        added = self._added.get(start)
        self._added[start] = entry if added is None else self._grown(added, entry)

    def _grown(self, tile: Numbers, entry: Numbers) -> Numbers:
        amount = entry[2]
        tile[1] += 1
        tile[2] += amount
        if amount < tile[3]:
            tile[3] = amount
        if amount > tile[4]:
            tile[4] = amount
        return tile

    def _tile(self, numbers: Numbers) -> Tile:
        return _new(Tile, numbers)


class FullState(SumState):
    """Tiles that hold more: spread, the newest entry, and for `distinct` a sketch."""

    __slots__ = ()

    def __init__(self, layer: Layer, tiles: Sequence[Tile]) -> None:
        super().__init__(layer, ())
        self._tiles = [(*tile[:5], *(tile.more or _UNKNOWN)) for tile in tiles]

    def passed(self, entry: Entry | None, at: float, features: dict[str, Value]) -> None:
        """Write the features of an input and count it; the last value is looked up before it is counted."""
        last = self._newest(at) if self._layer.remembers else None
        if entry is not None:
            amount, value = entry
            start = self._layer.first.start_of(at)
            members = (hash_of(value),) if self._layer.sketched else None
            self._count(start, [start, 1, amount, amount, amount, 0.0, at, value, members])
        self._look_at_all(at, last, features)

    def _newest(self, at: float) -> tuple[int, float | None, Value] | None:
        """Return the start of the newest tile that an input sees, and its newest entry."""
        for tile in reversed(self._tiles):
            if tile[0] <= at:
                return tile[0], tile[6], tile[7]
        return None

    def _look_at_all(self, at: float, last: tuple[int, float | None, Value] | None, features: dict[str, Value]) -> None:
        tiles = self._tiles
        position = len(tiles) - 1
        while position >= 0 and tiles[position][0] > at:
            position -= 1
        entries, total, least, most = 0, 0.0, math.inf, -math.inf
        spread: float | None = 0.0 if self._layer.spreads else None
        members: set[int] | None = set() if self._layer.sketched else None
        edge = at
        for span, (width, _), named in self._layer.spans:
            edge = min(edge, (at - span) // width * width + width)
            while position >= 0:
                start, n, t, low, high, own, _, _, hashes = tiles[position]
                if start < edge:
                    break
                if spread is not None:
                    spread = None if own is None else spread + own + (between(entries, total, n, t) if entries else 0.0)
                if members is not None:
                    if hashes is None:
                        members = None
                    else:
                        add_all(members, hashes)
                entries += n
                total += t
                least = low if low < least else least
                most = high if high > most else most
                position -= 1
            value, since = None, None
            if last is not None and last[0] >= edge and last[1] is not None:
                value, since = last[2], max(0.0, at - last[1])
            deviation = math.sqrt(spread / (entries - 1)) if spread is not None and entries > 1 else None
            distinct = None if members is None else count_of(members)
            held: tuple[Value, ...]
            if entries:
                held = (entries, total, total / entries, least, most, deviation, distinct, value, since)
            else:
                held = (0, 0.0, None, None, None, None, distinct, value, since)
            for name, aggregate in named:
                features[name] = held[aggregate]

    def _grown(self, tile: Numbers, entry: Numbers) -> Numbers:
        if tile[5] is not None:
            tile[5] += between(tile[1], tile[2], 1, entry[2])
        super()._grown(tile, entry)
        if tile[6] is not None and entry[6] >= tile[6]:
            tile[6], tile[7] = entry[6], entry[7]
        hashes, more = tile[8], entry[8]
        if more is None:
            tile[8] = None
        elif hashes is not None and more[0] not in hashes:
            tile[8] = union(hashes, more)
        return tile

    def _tile(self, numbers: Numbers) -> Tile:
        start, entries, total, least, most, *more = numbers
        return Tile(start, entries, total, least, most, More(*more))


_UNKNOWN = More(None, None, None, None)

NOTHING = (0, 0.0, None, None, None)
"""An empty window of sums, in the order of AGGREGATES."""
