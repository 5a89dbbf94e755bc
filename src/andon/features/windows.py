"""Windows over one batch: tiles of the snapshot and of the batch itself, summed for each input in arrival order.

This is on the hot path of every decision of a line with windows, hence the plain lists and the single pass over a key's tiles.
"""

import math
from bisect import insort
from collections.abc import Sequence
from operator import itemgetter
from typing import Any, TypeAlias

from andon.authoring import AGGREGATES, Window, span_of
from andon.features.domain import Key, Row, Snapshot, Tile, TileDelta, Value, width_by_span
from andon.features.values import counted, key_text

Numbers: TypeAlias = list[Any]
"""A tile that grows: start, entries, total, least, most."""

_start = itemgetter(0)


class Layer:
    """The spans of a plan that share tiles of one width, shortest first, with the features each gives."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.spans: list[tuple[int, list[tuple[str, int]]]] = []

    @property
    def longest(self) -> int:
        """The longest span, in seconds."""
        return self.spans[-1][0]

    def add(self, span: int, named: list[tuple[str, int]]) -> None:
        """One more span with its features: their names and which aggregate each is."""
        insort(self.spans, (span, named), key=_start)


class WindowPlan:
    """All windows over one field by one other, prepared: they count an input once and share its tiles."""

    def __init__(self, automation: str, windows: Sequence[Window]) -> None:
        self.automation = automation
        self.field = windows[0].field
        self.by = windows[0].by
        widths = width_by_span(_seconds(span) for window in windows for span in window.over)
        by_width = {width: Layer(width) for width in widths.values()}
        for window in windows:
            for span in window.over:
                named = [(f"{window.field}_{a}_{span}", AGGREGATES.index(a)) for a in window.aggregates]
                by_width[widths[_seconds(span)]].add(_seconds(span), named)
        self.layers = list(by_width.values())

    def key(self, value: str, layer: Layer) -> Key:
        """The key of the tiles of one value in one layer."""
        return Key(self.automation, self.field, self.by, value, layer.width)


def plans_of(automation: str, windows: Sequence[Window]) -> list[WindowPlan]:
    """A plan for each pair of fields that windows look at."""
    pairs: dict[tuple[str, str], list[Window]] = {}
    for window in windows:
        pairs.setdefault((window.field, window.by), []).append(window)
    return [WindowPlan(automation, together) for together in pairs.values()]


def needed(plans: Sequence[WindowPlan], rows: Sequence[Row], at: Sequence[float]) -> dict[Key, int]:
    """For each key of a batch, after which start its tiles are needed."""
    earliest = min(at, default=0.0)
    since: dict[Key, int] = {}
    for plan in plans:
        values = {key_text(row.get(plan.by)) for row in rows}
        for layer in plan.layers:
            start = math.floor(earliest - layer.longest)
            since.update((plan.key(value, layer), start) for value in values if value is not None)
    return since


class PlanState:
    """The tiles of one plan while a batch is gone through."""

    def __init__(self, plan: WindowPlan, snapshot: Snapshot) -> None:
        self._plan = plan
        self._snapshot = snapshot
        self._by_value: dict[str, list[KeyState]] = {}

    def pass_through(self, row: Row, at: float, features: dict[str, Value]) -> None:
        """Count an input in the windows of the plan, then say what they hold."""
        plan = self._plan
        value = key_text(row.get(plan.by))
        if value is None:
            for layer in plan.layers:
                KeyState(None, layer, ()).look(at, features)
            return
        states = self._by_value.get(value)
        if states is None:
            keys = ((plan.key(value, layer), layer) for layer in plan.layers)
            states = [KeyState(key, layer, self._snapshot.get(key, ())) for key, layer in keys]
            self._by_value[value] = states
        amount = counted(row.get(plan.field))
        for state in states:
            if amount is not None:
                state.count(amount, at)
            state.look(at, features)

    def deltas(self) -> list[TileDelta]:
        """What the batch adds, each tile once."""
        return [delta for states in self._by_value.values() for state in states for delta in state.deltas()]


class KeyState:
    """The tiles of one key, oldest first: those of the snapshot with those of the batch in them, and the latter alone."""

    __slots__ = ("_added", "_key", "_layer", "_tiles")

    def __init__(self, key: Key | None, layer: Layer, tiles: Sequence[Tile]) -> None:
        self._key = key
        self._layer = layer
        self._tiles: list[Numbers] = [list(tile) for tile in tiles]
        self._added: dict[int, Numbers] = {}

    def count(self, amount: float, at: float) -> None:
        """Add an input to its tile."""
        width = self._layer.width
        start = int(at // width) * width
        tiles = self._tiles
        if not tiles or tiles[-1][0] < start:
            tiles.append([start, 1, amount, amount, amount])
        else:
            same = next((tile for tile in reversed(tiles) if tile[0] <= start), None)
            if same is not None and same[0] == start:
                _grow(same, amount)
            else:
                insort(tiles, [start, 1, amount, amount, amount], key=_start)
        added = self._added.get(start)
        if added is None:
            self._added[start] = [start, 1, amount, amount, amount]
        else:
            _grow(added, amount)

    def look(self, at: float, features: dict[str, Value]) -> None:
        """Write the aggregates of all spans into `features`: one pass from the newest tile back."""
        tiles = self._tiles
        position = len(tiles) - 1
        while position >= 0 and tiles[position][0] > at:
            position -= 1
        entries, total, least, most = 0, 0.0, math.inf, -math.inf
        for span, named in self._layer.spans:
            after = at - span
            while position >= 0:
                start, n, t, low, high = tiles[position]
                if start <= after:
                    break
                entries += n
                total += t
                least = low if low < least else least
                most = high if high > most else most
                position -= 1
            held = (entries, total, total / entries, least, most) if entries else _NOTHING
            for name, aggregate in named:
                features[name] = held[aggregate]

    def deltas(self) -> list[TileDelta]:
        """What the batch added."""
        if self._key is None:
            return []
        after = self._layer.longest + self._layer.width
        return [TileDelta(self._key, Tile(*added), start + after) for start, added in self._added.items()]


_NOTHING = (0, 0.0, None, None, None)
"""An empty window, in the order of AGGREGATES: count, sum, mean, min, max."""


def _grow(tile: Numbers, amount: float) -> None:
    tile[1] += 1
    tile[2] += amount
    tile[3] = amount if amount < tile[3] else tile[3]
    tile[4] = amount if amount > tile[4] else tile[4]


def _seconds(span: str) -> int:
    return int(span_of(span).total_seconds())
