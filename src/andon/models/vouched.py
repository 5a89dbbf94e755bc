"""The rows for which audit entries of this slice vouch."""

from andon.audit import RowKind

MODEL_VERSIONS = RowKind(
    "model_version",
    "model_versions",
    {"name": "text", "number": "integer"},
    ("t.digest", "t.manifest", "t.trusted", "t.registered_by", "t.reason", "t.registered_at"),
)

MODEL_ALIASES = RowKind(
    "model_alias",
    "model_aliases",
    {"name": "text", "alias": "text", "revision": "integer"},
    ("t.number", "t.set_by", "t.reason", "t.set_at"),
)

QUARANTINES = RowKind(
    "quarantine",
    "quarantines",
    {"name": "text", "number": "integer", "revision": "integer"},
    ("t.held", "t.set_by", "t.reason", "t.set_at"),
)
