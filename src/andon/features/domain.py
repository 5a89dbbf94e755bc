"""Tiles: the state of windows, small mergeable sums over fixed stretches of time. Pure.

An input counts as if it had come at the start of its tile. So a window of `span` sees what came within (now - span, now],
except that at its far end it may forget an input up to one tile width early; a tile is a sixtieth of its span or less.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

Value: TypeAlias = float | int | str | bool | None

Row: TypeAlias = Mapping[str, Any]
"""A validated input, by field."""

TILES_PER_SPAN = 60
"""The shortest span that tiles serve consists of so many of them ..."""

MOST_TILES_PER_SPAN = 720
"""... and the longest of at most so many: what one window reads for one key has a bound."""


class Tile(NamedTuple):
    """What was seen in one stretch of time that begins at `start`, in whole seconds since 1970."""

    start: int
    entries: int
    total: float
    least: float
    most: float


class Key(NamedTuple):
    """Whose tiles: the values of `field` among inputs whose `by` is `value`, in tiles of `width` seconds."""

    automation: str
    field: str
    by: str
    value: str
    width: int


class TileDelta(NamedTuple):
    """What a batch adds to one tile, which nothing looks at any more from `until` on."""

    key: Key
    tile: Tile
    until: int


@dataclass(frozen=True, slots=True)
class Needs:
    """Which tiles a batch reads: of each key those that begin after `since`, in whole seconds since 1970."""

    since: Mapping[Key, int]

    def __bool__(self) -> bool:
        return bool(self.since)


Snapshot: TypeAlias = Mapping[Key, Sequence[Tile]]
"""The tiles that a batch asked for; a key without tiles is absent."""


def width_by_span(spans: Iterable[int]) -> dict[int, int]:
    """For each span, in seconds, how wide its tiles are. Spans share tiles as long as none needs too many of them."""
    widths: dict[int, int] = {}
    width = 0
    for span in sorted(spans):
        if width == 0 or span > width * MOST_TILES_PER_SPAN:
            width = max(1, span // TILES_PER_SPAN)
        widths[span] = width
    return widths


def merged(one: Tile, other: Tile) -> Tile:
    """Two tiles of the same start as one."""
    return Tile(
        one.start,
        one.entries + other.entries,
        one.total + other.total,
        min(one.least, other.least),
        max(one.most, other.most),
    )
