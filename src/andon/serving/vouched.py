"""The rows for which audit entries of this slice vouch."""

from andon.audit import RowKind

SPLITS = RowKind(
    "split",
    "traffic_splits",
    {"automation": "text", "number": "integer"},
    ("t.model", "t.salt", "t.shares", "t.shadows", "t.places", "t.set_by", "t.reason", "t.set_at", "t.unit"),
)
