"""Tiles in memory, for tests of an automation and for training sets: the same behaviour as the table (one contract test holds both)."""

from collections.abc import Iterable
from datetime import datetime

from andon.features.columns import Delta, each
from andon.features.domain import Needs, Series, Snapshot, Tile, TileDelta


class MemoryTiles:
    """What `read`, the upsert and `prune` do, without a database."""

    def __init__(self) -> None:
        self._tiles: dict[Series, dict[str, dict[int, TileDelta]]] = {}

    def read(self, needs: Needs) -> Snapshot:
        """All tiles a batch needs."""
        found: dict[Series, dict[str, list[Tile]]] = {}
        for need in needs:
            own, seen = self._tiles.get(need.series, {}), found.setdefault(need.series, {})
            for value in need.values:
                stored = own.get(value, {})
                tiles = [stored[start].tile for start in sorted(stored) if need.since < start <= need.upto]
                if tiles:
                    seen[value] = tiles
        return found

    def write(self, deltas: Iterable[Delta]) -> None:
        """Merge what batches add."""
        for delta in each(deltas):
            tiles = self._tiles.setdefault(delta.series, {}).setdefault(delta.value, {})
            before = tiles.get(delta.start)
            tiles[delta.start] = delta if before is None else before.merged(delta)

    def prune(self, now: datetime) -> int:
        """Forget tiles that no window reaches any more; how many."""
        moment, forgotten = int(now.timestamp()), 0
        for own in self._tiles.values():
            for value, tiles in list(own.items()):
                kept = {start: delta for start, delta in tiles.items() if delta.until > moment}
                forgotten += len(tiles) - len(kept)
                own[value] = kept
                if not kept:
                    del own[value]
        return forgotten
