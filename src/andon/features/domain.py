"""Tiles: the state of windows, small mergeable sums over fixed stretches of time. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

Value: TypeAlias = float | int | str | bool | None

Row: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Tile:
    """What was seen in one stretch of time: `start` in whole seconds since 1970, `width` seconds long."""

    start: int
    count: int
    total: float
    least: float
    most: float


@dataclass(frozen=True, slots=True)
class Key:
    """Whose tiles: the values of `field` among inputs whose `by` is `value`."""

    automation: str
    field: str
    by: str
    value: str
    width: int


@dataclass(frozen=True, slots=True)
class TileDelta:
    """What one batch adds to one tile."""

    key: Key
    tile: Tile


@dataclass(frozen=True, slots=True)
class Needs:
    """Which tiles a batch reads: for each key, the tiles from `since` on (whole seconds since 1970)."""

    keys: Sequence[Key]
    since: Sequence[int]

    def __bool__(self) -> bool:
        return bool(self.keys)


Snapshot: TypeAlias = Mapping[Key, Sequence[Tile]]
"""The tiles that a batch asked for, oldest first; a key without tiles is absent."""
