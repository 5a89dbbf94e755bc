"""The rows for which audit entries of this slice vouch."""

from andon.audit import RowKind

BUDGET_SETTINGS = RowKind(
    "budget_setting",
    "budget_settings",
    {"automation": "text", "number": "integer"},
    ("t.per", "t.amount", "t.set_by", "t.reason", "t.set_at"),
)
