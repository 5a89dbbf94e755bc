"""The rows for which audit entries of this slice vouch."""

from andon.audit import RowKind

APPROVED = RowKind(
    "tool_call",
    "tool_calls",
    {"id": "uuid"},
    ("t.toolbox", "t.tool", "t.digest", "t.caller", "t.state", "t.expires_at", "t.answered_by", "t.begun_at"),
    where="t.answered_by IS NOT NULL",
    changes=True,
)
"""A call that a person answered. The ledger proves the calls that the policy allowed."""
