"""The rows for which audit entries of this slice vouch."""

from andon.audit import RowKind

POLICIES = RowKind(
    "policy",
    "policy_versions",
    {"automation": "text", "version": "text"},
    ("t.digest", "t.text", "t.published_by", "t.reason", "t.published_at"),
)

POLICY_SETTINGS = RowKind(
    "policy_setting",
    "policy_settings",
    {"automation": "text", "number": "integer"},
    ("t.version", "t.before", "t.set_by", "t.reason", "t.set_at"),
)
