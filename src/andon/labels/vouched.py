"""The rows for which audit entries of this slice vouch."""

from andon.audit import RowKind

LABELS = RowKind(
    "label",
    "labels",
    {"id": "uuid"},
    (
        "t.decision_id",
        "t.automation",
        "t.said",
        "t.value",
        "t.source",
        "t.probability",
        "t.recorded_by",
        "t.known_at",
        "t.recorded_at",
        "t.corrects",
        "t.reason",
    ),
)
