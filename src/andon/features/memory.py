"""Tiles in memory, for tests of an automation and for training sets. One contract test holds these and the table."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from andon.features.columns import Delta, each
from andon.features.domain import Needs, Series, Snapshot, Step, Tile, TileDelta


class _Kept(NamedTuple):
    """A tile, and how wide it has grown."""

    delta: TileDelta
    step: Step

    def merged(self, other: "_Kept") -> "_Kept":
        return _Kept(self.delta.merged(other.delta), max(self.step, other.step))

    def grown(self) -> "_Kept | None":
        """Return the same as a part of the next wider tile; None if there is none."""
        wider = next((step for step in self.delta.series.steps if step.width > self.step.width), None)
        if wider is None:
            return None
        until = self.delta.until + wider.seconds - self.step.seconds
        return _Kept(self.delta._replace(start=wider.start_of(self.delta.start), until=until), wider)


class MemoryTiles:
    """The functions of `read`, the upsert and `prune`, without a database."""

    def __init__(self) -> None:
        self._tiles: dict[int, dict[str, dict[int, _Kept]]] = {}

    def read(self, needs: Needs) -> Snapshot:
        """Return all tiles that a batch needs."""
        found: dict[Series, dict[str, list[Tile]]] = {}
        for need in needs:
            own, seen = self._tiles.get(need.series.id, {}), found.setdefault(need.series, {})
            for value in need.values:
                stored = own.get(value, {})
                tiles = [stored[start].delta.tile for start in sorted(stored) if need.since < start <= need.upto]
                if tiles:
                    seen[value] = tiles
        return found

    def write(self, deltas: Iterable[Delta]) -> None:
        """Merge what batches add."""
        for delta in each(deltas):
            self._add(_Kept(delta, delta.series.steps[0]))

    def prune(self, now: datetime) -> int:
        """Grow tiles, and forget those that no window reaches any more; return the number of both."""
        moment = int(now.timestamp())
        over = [
            kept
            for own in self._tiles.values()
            for tiles in own.values()
            for kept in tiles.values()
            if kept.delta.until <= moment
        ]
        for kept in over:
            self._remove(kept.delta)
        for kept in over:
            if (grown := kept.grown()) is not None:
                self._add(grown)
        return len(over)

    def _add(self, kept: _Kept) -> None:
        delta = kept.delta
        tiles = self._tiles.setdefault(delta.series.id, {}).setdefault(delta.value, {})
        before = tiles.get(delta.start)
        tiles[delta.start] = kept if before is None else before.merged(kept)

    def _remove(self, delta: TileDelta) -> None:
        own = self._tiles[delta.series.id]
        del own[delta.value][delta.start]
        if not own[delta.value]:
            del own[delta.value]
