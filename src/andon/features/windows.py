"""Windows over one batch: tiles of the snapshot and of the batch itself, summed for each input in arrival order."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeAlias

from andon.authoring import Window
from andon.authoring.features import span_of
from andon.features.domain import Key, Row, Snapshot, Tile, TileDelta, Value, merged, width_by_span
from andon.features.values import counted, key_text

Tiles: TypeAlias = dict[int, Tile]
"""The tiles of one key by their start."""

_EMPTY = Tile(0, 0, 0.0, float("inf"), float("-inf"))

_AGGREGATES: Mapping[str, Callable[[Tile], Value]] = {
    "count": lambda seen: seen.entries,
    "sum": lambda seen: seen.total,
    "mean": lambda seen: seen.total / seen.entries if seen.entries else None,
    "min": lambda seen: seen.least if seen.entries else None,
    "max": lambda seen: seen.most if seen.entries else None,
}


class WindowPlan:
    """All windows over one field by one other, prepared: they count an input once and share its tiles."""

    def __init__(self, automation: str, windows: Sequence[Window]) -> None:
        self.automation = automation
        self.field = windows[0].field
        self.by = windows[0].by
        widths = width_by_span(_seconds(span) for window in windows for span in window.over)
        self.longest = {width: max(s for s, w in widths.items() if w == width) for width in widths.values()}
        self.spans = [
            (
                _seconds(span),
                widths[_seconds(span)],
                [(f"{window.field}_{a}_{span}", _AGGREGATES[a]) for a in window.aggregates],
            )
            for window in windows
            for span in window.over
        ]

    def keys(self, row: Row) -> dict[int, Key]:
        """The keys of an input by the width of their tiles; none when it does not say whose it is."""
        value = key_text(row.get(self.by))
        if value is None:
            return {}
        return {width: Key(self.automation, self.field, self.by, value, width) for width in self.longest}

    def nothing(self) -> dict[str, Value]:
        """The features of an input that belongs to no key."""
        return {name: aggregate(_EMPTY) for _, _, named in self.spans for name, aggregate in named}


class BatchState:
    """The tiles that a batch has read and adds to while it is gone through."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._seen: dict[Key, Tiles] = {}
        self._added: dict[tuple[Key, int], TileDelta] = {}

    def pass_through(self, plan: WindowPlan, row: Row, at: float) -> dict[str, Value]:
        """Count an input in the windows of a plan, then say what they hold."""
        keys = plan.keys(row)
        if not keys:
            return plan.nothing()
        value = counted(row.get(plan.field))
        if value is not None:
            for width, key in keys.items():
                self._add(key, value, at, plan.longest[width])
        features: dict[str, Value] = {}
        for span, width, named in plan.spans:
            seen = _summed(self._tiles(keys[width]).values(), after=at - span, until=at)
            for name, aggregate in named:
                features[name] = aggregate(seen)
        return features

    def deltas(self) -> list[TileDelta]:
        """What the batch adds, each tile once."""
        return list(self._added.values())

    def _tiles(self, key: Key) -> Tiles:
        tiles = self._seen.get(key)
        if tiles is None:
            tiles = self._seen[key] = {tile.start: tile for tile in self._snapshot.get(key, ())}
        return tiles

    def _add(self, key: Key, value: float, at: float, longest: int) -> None:
        start = int(at // key.width) * key.width
        tile = Tile(start, 1, value, value, value)
        tiles = self._tiles(key)
        tiles[start] = merged(tiles[start], tile) if start in tiles else tile
        before = self._added.get((key, start))
        added = tile if before is None else merged(before.tile, tile)
        self._added[key, start] = TileDelta(key, added, start + longest + key.width)


def plans_of(automation: str, windows: Sequence[Window]) -> list[WindowPlan]:
    """A plan for each pair of fields that windows look at."""
    pairs: dict[tuple[str, str], list[Window]] = {}
    for window in windows:
        pairs.setdefault((window.field, window.by), []).append(window)
    return [WindowPlan(automation, together) for together in pairs.values()]


def needed(plans: Sequence[WindowPlan], rows: Sequence[Row], at: Sequence[float]) -> dict[Key, int]:
    """For each key of a batch, after which start its tiles are needed."""
    since: dict[Key, int] = {}
    for plan in plans:
        for row, moment in zip(rows, at, strict=True):
            for width, key in plan.keys(row).items():
                start = math.floor(moment - plan.longest[width])
                since[key] = min(since.get(key, start), start)
    return since


def _seconds(span: str) -> int:
    return int(span_of(span).total_seconds())


def _summed(tiles: Iterable[Tile], *, after: float, until: float) -> Tile:
    """All tiles that begin within (after, until], as one."""
    entries, total, least, most = 0, 0.0, float("inf"), float("-inf")
    for tile in tiles:
        if after < tile.start <= until:
            entries += tile.entries
            total += tile.total
            least = min(least, tile.least)
            most = max(most, tile.most)
    return Tile(0, entries, total, least, most)
