"""Tiles: the state of windows, small mergeable sums over fixed stretches of time. Pure.

A plain tile holds count, sum, least and most; one with `more` also what std, distinct, last and since need. Merging is
associative: the order and grouping of inputs do not change the tile.

An input is counted in a narrow tile, which is merged into a wider one when only longer spans read it (`Step`). It
counts as if it had arrived at the start of its tile; for a span served by wider tiles, at the start of the wider tile,
whether merged yet or not. So a window of `span` sees inputs within (now - span, now], except that at its far end it may
forget an input up to one tile width early; a tile is a sixtieth of its span or less.
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
"""The shortest span that tiles serve consists of this many of them ..."""

MOST_TILES_PER_SPAN = 720
"""... and the longest of at most this many: what one window reads for one key has a bound."""

MOST_TILES_KEPT = 2 * MOST_TILES_PER_SPAN
"""The number of tiles above which tiles for late inputs do not grow, so that longer spans need not read them all."""


class Step(NamedTuple):
    """The width in seconds of a series' tiles, until no span up to `longest` seconds reads them any more."""

    width: int
    longest: int

    @property
    def seconds(self) -> int:
        """How long a tile stays so wide, from the moment of its inputs on."""
        return self.longest + self.width

    def start_of(self, moment: float) -> int:
        """Return the start of the tile that holds a moment.

        A span sees at `at` the tiles that begin after the end of the one that holds (at - span).
        """
        return int(moment // self.width) * self.width


class More(NamedTuple):
    """The contents of a tile beyond sums. None means not recorded when the tile was written, so unknown.

    `spread` is the sum of squared distances from the mean, `last_at` the time of the newest entry in seconds since
    1970, `last` its value, `members` the sketch of the distinct values (`sketch.py`).
    """

    spread: float | None
    last_at: float | None
    last: float | str | None
    members: tuple[int, ...] | None


class Tile(NamedTuple):
    """The contents of one stretch of time that begins at `start`, in whole seconds since 1970."""

    start: int
    entries: int
    total: float
    least: float
    most: float
    more: More | None = None


class Series(NamedTuple):
    """The identity of tiles except for the value: `field` of the inputs by their field `by`, and the tile widths.

    Widths come narrowest first and are not part of `id`, so that new windows continue with the tiles of old ones. `id`
    stands for the names: 64 bits of their MD5, which replace them in every row of the table.
    """

    id: int
    automation: str
    field: str
    by: str
    steps: tuple[Step, ...]

    @classmethod
    def of(cls, automation: str, field: str, by: str, steps: Sequence[Step], *, apart: bool = False) -> "Series":
        """Return the series of these names; `apart` keeps its tiles from growing into those of the longest windows."""
        names = (automation, field, by, str(steps[0].width)) if apart else (automation, field, by)
        digest = md5("\x1f".join(names).encode(), usedforsecurity=False).digest()
        return cls(int.from_bytes(digest[:8], "big", signed=True), automation, field, by, tuple(steps))


class TileDelta(NamedTuple):
    """The addition of a batch to one tile of inputs whose `by` is `value`; not read at this width from `until` on.

    The numbers of the tile follow its place flat, in the order of `Tile`: a batch makes hundreds, and they become
    columns.
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
        """The addition, as a tile of its own."""
        return Tile(*self[2:8])

    def merged(self, other: "TileDelta") -> "TileDelta":
        """Return this and a later delta to the same tile as one."""
        return TileDelta(self.series, self.value, *merged(self.tile, other.tile), max(self.until, other.until))


class Need(NamedTuple):
    """The tiles of one series that a batch reads: of these values, beginning after `since` and not after `upto`.

    `cuts` are ascending times: tiles between an even one and the next (counted from 1) are the same for every input of
    the batch, so a store may return them merged, under the start of the newest. `more` says which contents beyond sums
    are read: spread, last, members; None for plain tiles.
    """

    series: Series
    values: Sequence[str]
    since: int
    upto: int
    cuts: Sequence[int]
    more: tuple[bool, bool, bool] | None


Needs: TypeAlias = Sequence[Need]
"""The reads of a batch; falsy when there are none."""

Snapshot: TypeAlias = Mapping[Series, Mapping[str, Sequence[Tile]]]
"""The tiles that a batch reads, by value, oldest first; a value without tiles is absent."""


def steps_of(spans: Iterable[int], kept: int) -> list[list[Step]]:
    """Return the tile widths in seconds for these spans: for each series its steps, each a multiple of the last.

    Spans share a step as long as none needs too many tiles of it, and steps share a series as long as not too many
    tiles wait to grow, which they do `kept` seconds after the last span stops reading them.
    """
    found: list[list[Step]] = []
    for span in sorted(spans):
        last = found[-1][-1] if found else None
        if last is not None and span <= last.width * MOST_TILES_PER_SPAN:
            found[-1][-1] = Step(last.width, span)
        elif last is not None and last.longest + kept <= last.width * MOST_TILES_KEPT:
            found[-1].append(Step(span // TILES_PER_SPAN // last.width * last.width, span))
        else:
            found.append([Step(max(1, span // TILES_PER_SPAN), span)])
    return found


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
    """Return what the difference of two groups' means adds to the squared distances (Chan, Golub, LeVeque 1979)."""
    difference = other_total / other_entries - total / entries
    return difference * difference * entries * other_entries / (entries + other_entries)


class WantedRows(NamedTuple):
    """Which rows of a lookup's table a batch asks for, by key."""

    lookup: Lookup
    keys: Sequence[str]


Found: TypeAlias = "Mapping[str, Any] | FeatureFailed"
"""A row by column, or why it could not be read."""

Looked: TypeAlias = Mapping[Lookup, Mapping[str, Found]]
"""The rows that a batch looks up, by key; a key without a row is absent."""


class Breach(NamedTuple):
    """A value that was not as its automation expects: in how many decisions of a span, and when last."""

    automation: str
    name: str
    decisions: int
    last_at: datetime
