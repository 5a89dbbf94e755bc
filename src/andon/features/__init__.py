"""Features: request values and windowed aggregates, computed for a batch in arrival order.

needs = features.needs(inputs, at)
snapshot = await read(connection, needs)
computed = features.compute(inputs, at, snapshot)
... insert_sql(first) with columns_of(computed.deltas), inside the statement that records the decisions
"""

from andon.features.breaches import BreachTeller, breaches, forget_breaches, tell
from andon.features.columns import Delta
from andon.features.domain import (
    Breach,
    Looked,
    More,
    Need,
    Needs,
    Series,
    Snapshot,
    Step,
    Tile,
    TileDelta,
    Value,
    WantedRows,
)
from andon.features.errors import FeatureFailed
from andon.features.history import History
from andon.features.lookups import Lookups
from andon.features.memory import MemoryTiles
from andon.features.published import ExpectationBreached
from andon.features.service import Computed, FeatureSet
from andon.features.store import PRUNED_AT_ONCE, lookup_faults, prune, register
from andon.features.tiles import columns_of, has_more, insert_sql, read

__all__ = [
    "PRUNED_AT_ONCE",
    "Breach",
    "BreachTeller",
    "Computed",
    "Delta",
    "ExpectationBreached",
    "FeatureFailed",
    "FeatureSet",
    "History",
    "Looked",
    "Lookups",
    "MemoryTiles",
    "More",
    "Need",
    "Needs",
    "Series",
    "Snapshot",
    "Step",
    "Tile",
    "TileDelta",
    "Value",
    "WantedRows",
    "breaches",
    "columns_of",
    "forget_breaches",
    "has_more",
    "insert_sql",
    "lookup_faults",
    "prune",
    "read",
    "register",
    "tell",
]
