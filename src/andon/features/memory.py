"""Tiles in memory, for tests of an automation: the same behaviour as the table (one contract test holds both)."""

from collections.abc import Iterable
from datetime import datetime

from andon.features.domain import Key, Needs, Snapshot, Tile, TileDelta, merged


class MemoryTiles:
    """What `read`, the upsert and `prune` do, without a database."""

    def __init__(self) -> None:
        self._tiles: dict[Key, dict[int, TileDelta]] = {}

    def read(self, needs: Needs) -> Snapshot:
        """All tiles a batch needs."""
        found: dict[Key, list[Tile]] = {}
        for key, since in needs.since.items():
            tiles = [delta.tile for start, delta in sorted(self._tiles.get(key, {}).items()) if start > since]
            if tiles:
                found[key] = tiles
        return found

    def write(self, deltas: Iterable[TileDelta]) -> None:
        """Merge what batches add."""
        for delta in deltas:
            tiles = self._tiles.setdefault(delta.key, {})
            before = tiles.get(delta.tile.start)
            if before is not None:
                delta = TileDelta(delta.key, merged(before.tile, delta.tile), max(before.until, delta.until))
            tiles[delta.tile.start] = delta

    def prune(self, now: datetime) -> int:
        """Forget tiles that no window reaches any more; how many."""
        before = sum(map(len, self._tiles.values()))
        self._tiles = {
            key: {start: delta for start, delta in tiles.items() if delta.until > int(now.timestamp())}
            for key, tiles in self._tiles.items()
        }
        return before - sum(map(len, self._tiles.values()))
