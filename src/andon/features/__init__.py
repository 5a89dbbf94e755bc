"""Features: request values and windowed aggregates, computed for a batch in arrival order.

needs = features.needs(inputs, at)
snapshot = await read(connection, needs)
computed = features.compute(inputs, at, snapshot)
... insert_sql(first) with columns_of(computed.deltas), inside the statement that records the decisions
"""

from andon.features.domain import Key, Needs, Snapshot, Tile, TileDelta, Value
from andon.features.errors import FeatureFailed
from andon.features.memory import MemoryTiles
from andon.features.service import Computed, FeatureSet
from andon.features.store import PRUNED_AT_ONCE, columns_of, insert_sql, prune, read

__all__ = [
    "PRUNED_AT_ONCE",
    "Computed",
    "FeatureFailed",
    "FeatureSet",
    "Key",
    "MemoryTiles",
    "Needs",
    "Snapshot",
    "Tile",
    "TileDelta",
    "Value",
    "columns_of",
    "insert_sql",
    "prune",
    "read",
]
