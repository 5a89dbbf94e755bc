"""The rows that audit entries of this slice vouch for."""

from andon.audit import RowKind

GATES = RowKind(
    "gate",
    "gate_revisions",
    {"automation": "text", "revision": "integer"},
    (
        "t.arm",
        "t.segment",
        "t.predicted",
        "t.threshold",
        "t.target",
        "t.confidence",
        "t.origin",
        "t.evidence",
        "t.held_out",
        "t.automation_version",
        "t.made_by",
        "t.reason",
        "t.made_at",
        "t.expires_at",
    ),
)

POINTERS = RowKind(
    "gate_pointer",
    "gate_pointers",
    {"automation": "text", "arm": "text", "segment": "jsonb", "predicted": "text", "origin": "text"},
    ("t.revision",),
)

SHARES = RowKind(
    "audit_share",
    "audit_shares",
    {"automation": "text", "number": "integer"},
    ("t.share", "t.set_by", "t.reason", "t.set_at"),
)
