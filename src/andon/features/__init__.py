"""Features: request values and windowed aggregates, computed for a batch in arrival order.

needs = features.needs(inputs, at)
snapshot = await read(connection, needs) if needs else {}
computed = features.compute(inputs, at, snapshot)
... insert_sql(first) with columns_of(computed.deltas), inside the statement that records the decisions
"""

from andon.features.domain import Key, Needs, Snapshot, Tile, TileDelta, Value
from andon.features.errors import FeatureFailed
from andon.features.service import Computed, FeatureSet, read

__all__ = [
    "Computed",
    "FeatureFailed",
    "FeatureSet",
    "Key",
    "Needs",
    "Snapshot",
    "Tile",
    "TileDelta",
    "Value",
    "read",
]
