"""The rows for which audit entries of this slice vouch."""

from andon.audit import RowKind

VERDICTS = RowKind(
    "verdict",
    "reviews",
    {"id": "uuid"},
    (
        "t.decision_id",
        "t.automation",
        "t.queue",
        "t.outcome",
        "t.reason",
        "t.decided_by",
        "t.decided_at",
        "t.blind",
        "t.predicted",
    ),
    where="t.state = 'decided'",
)
"""A review that was decided; what is not decided yet is told by nothing but the row."""
