"""Features of a history, computed for each input by the online definitions and code; only tiles are in memory.

Tables that lookups read have no history here: the value a lookup read has to be given with each input, or is missing.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from andon.authoring import Automation, Lookup
from andon.features.domain import Row
from andon.features.expectations import Expectations
from andon.features.memory import MemoryTiles
from andon.features.service import Computed, FeatureSet

_PRUNED_EVERY = 50_000
"""Inputs after which tiles that nothing reaches any more are forgotten."""


class History:
    """Computes over inputs in order of arrival. Memory is bounded by the windows' contents at one moment."""

    def __init__(self, automation: Automation) -> None:
        computed = [feature for feature in automation.features if not isinstance(feature, Lookup)]
        self.features = FeatureSet(automation.name, computed, lateness=automation.lateness)
        self.looked_up = [name for f in automation.features if isinstance(f, Lookup) for name in f.names]
        self._expectations = Expectations(automation.expect)
        self._tiles = MemoryTiles()
        self._newest: datetime | None = None
        self._since_pruned = 0

    def compute(
        self,
        inputs: Sequence[Row],
        at: Sequence[datetime],
        *,
        asked: Sequence[datetime] | None = None,
        seen: Sequence[Mapping[str, Any]] | None = None,
    ) -> Computed:
        """Compute the features of the next inputs; later inputs see these in their windows.

        `asked` is when each arrived, if not when it happened; `seen` holds the values that lookups read, by feature
        name.
        """
        if not inputs:
            return Computed([])
        snapshot = self._tiles.read(self.features.needs(inputs, at, asked))
        computed = self.features.compute(inputs, at, snapshot, asked=asked)
        self._tiles.write(computed.deltas)
        for name in self.looked_up:
            for row, known in zip(computed.rows, seen or [{}] * len(inputs), strict=True):
                row[name] = known.get(name)
        if self._expectations:
            computed.breached = self._expectations.checked(inputs, computed.rows)
        self._forget(asked or at)
        return computed

    def _forget(self, came: Sequence[datetime]) -> None:
        newest = max(came)
        self._newest = newest if self._newest is None else max(self._newest, newest)
        self._since_pruned += len(came)
        if self._since_pruned >= _PRUNED_EVERY:
            self._tiles.prune(self._newest)
            self._since_pruned = 0
