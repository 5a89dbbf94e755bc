"""The rows for which audit entries of this slice vouch."""

from andon.audit import RowKind

PERMIT = RowKind(
    "tool_call",
    "tool_calls",
    {"id": "uuid"},
    ("t.toolbox", "t.tool", "t.digest", "t.caller", "t.state", "t.expires_at", "t.answered_by", "t.begun_at"),
    where="t.answered_by IS NOT NULL OR t.uses > 0",
    changes=True,
)
"""A call that a person answered or that was begun. The ledger alone proves calls that were only decided."""
