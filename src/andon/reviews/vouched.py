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
"""A review that was decided; nothing but the row records one that is not decided yet."""

WITHDRAWALS = RowKind(
    "withdrawal",
    "reviews",
    {"id": "uuid"},
    ("t.decision_id", "t.automation", "t.queue", "t.asked_by", "t.reason", "t.decided_by", "t.decided_at"),
    where="t.state = 'withdrawn'",
)
"""A question that was settled elsewhere, so that it is no longer asked."""
