"""Tiles: the state of windows, small mergeable sums over fixed stretches of time. Pure.

A plain tile holds count, sum, least and most; one with `more` also what std, distinct, last and since need. Merging is
associative: in whatever order and helpings inputs are counted, the tile says the same.

An input counts as if it had come at the start of its tile. So a window of `span` sees what came within (now - span, now],
except that at its far end it may forget an input up to one tile width early; a tile is a sixtieth of its span or less.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from hashlib import md5
from typing import Any, NamedTuple, TypeAlias

from andon.authoring import Lookup
from andon.features.errors import FeatureFailed
from andon.features.sketch import union

Value: TypeAlias = float | int | str | bool | None

Row: TypeAlias = Mapping[str, Any]
"""A validated input, by field."""

TILES_PER_SPAN = 60
"""The shortest span that tiles serve consists of so many of them ..."""

MOST_TILES_PER_SPAN = 720
"""... and the longest of at most so many: what one window reads for one key has a bound."""


class More(NamedTuple):
    """What a tile holds beyond sums; None is what nobody kept when the tile was written, and so stays unknown.

    `spread` is the sum of squared distances from the mean, `last_at` the moment of the newest entry in seconds since 1970,
    `last` its value, `members` the sketch of the different values (`sketch.py`).
    """

    spread: float | None
    last_at: float | None
    last: float | str | None
    members: tuple[int, ...] | None


class Tile(NamedTuple):
    """What was seen in one stretch of time that begins at `start`, in whole seconds since 1970."""

    start: int
    entries: int
    total: float
    least: float
    most: float
    more: More | None = None


class Series(NamedTuple):
    """Whose tiles, but for the value: those of `field` among inputs by their field `by`, in tiles of `width` seconds.

    `id` stands for the rest: 64 bits of its MD5, which the table has in place of four names in every row.
    """

    id: int
    automation: str
    field: str
    by: str
    width: int

    @classmethod
    def of(cls, automation: str, field: str, by: str, width: int) -> "Series":
        """The series of these names."""
        named = "\x1f".join((automation, field, by, str(width))).encode()
        digest = md5(named, usedforsecurity=False).digest()
        return cls(int.from_bytes(digest[:8], "big", signed=True), automation, field, by, width)


class TileDelta(NamedTuple):
    """What a batch adds to one tile of the inputs whose `by` is `value`; nothing looks at the tile any more from `until` on.

    The numbers of the tile lie flat beside its place, in the order of `Tile`: a batch makes hundreds, and they go on as columns.
    """

    series: Series
    value: str
    start: int
    entries: int
    total: float
    least: float
    most: float
    more: More | None
    until: int

    @property
    def tile(self) -> Tile:
        """What is added, as a tile of its own."""
        return Tile(*self[2:8])

    def merged(self, other: "TileDelta") -> "TileDelta":
        """This and a later one to the same tile, as one."""
        return TileDelta(self.series, self.value, *merged(self.tile, other.tile), max(self.until, other.until))


class Need(NamedTuple):
    """The tiles of one series that a batch reads: of these values, those that begin after `since` and not after `upto`.

    `cuts` are places in time, ascending: tiles between an even one and the next (counted from 1) are alike to every
    input of the batch, so a store may give them merged, under the start of the newest. `more` tells which of what is beyond
    sums is looked at: spread, last, members; None for plain tiles.
    """

    series: Series
    values: Sequence[str]
    since: int
    upto: int
    cuts: Sequence[int]
    more: tuple[bool, bool, bool] | None


Needs: TypeAlias = Sequence[Need]
"""What a batch reads; falsy when it reads nothing."""

Snapshot: TypeAlias = Mapping[Series, Mapping[str, Sequence[Tile]]]
"""The tiles that a batch asked for by value, oldest first; a value without tiles is absent."""


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
    """Two tiles of the same start as one; `other` was written later."""
    return Tile(
        one.start,
        one.entries + other.entries,
        one.total + other.total,
        min(one.least, other.least),
        max(one.most, other.most),
        _merged_more(one, other),
    )


def _merged_more(one: Tile, other: Tile) -> More | None:
    mine, theirs = one.more, other.more
    if mine is None or theirs is None:
        return None
    spread = None
    if mine.spread is not None and theirs.spread is not None:
        spread = mine.spread + theirs.spread + between(one.entries, one.total, other.entries, other.total)
    if mine.last_at is None or theirs.last_at is None:
        last_at, last = None, None
    else:
        newer = theirs if theirs.last_at >= mine.last_at else mine
        last_at, last = newer.last_at, newer.last
    members = None if mine.members is None or theirs.members is None else union(mine.members, theirs.members)
    return More(spread, last_at, last, members)


def between(entries: int, total: float, other_entries: int, other_total: float) -> float:
    """What two groups of values add to the sum of squared distances because their means differ (Chan, Golub, LeVeque 1979)."""
    difference = other_total / other_entries - total / entries
    return difference * difference * entries * other_entries / (entries + other_entries)


class Wanted(NamedTuple):
    """Which rows of a lookup's table a batch asks for, by key."""

    lookup: Lookup
    keys: Sequence[str]


Found: TypeAlias = "Mapping[str, Any] | FeatureFailed"
"""A row by column, or why it could not be read."""

Looked: TypeAlias = Mapping[Lookup, Mapping[str, Found]]
"""The rows that a batch asked for, by key; a key without a row is absent."""


class Breach(NamedTuple):
    """A value that was not as its automation expects: in how many decisions of a span, and when last."""

    automation: str
    name: str
    decisions: int
    last_at: datetime
