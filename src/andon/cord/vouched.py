"""The rows that audit entries of this slice vouch for."""

from andon.audit import RowKind

LINE_STATES = RowKind(
    "line_state",
    "line_states",
    {"automation": "text", "number": "integer"},
    ("t.segment", "t.before", "t.after", "t.set_by", "t.reason", "t.set_at"),
)
