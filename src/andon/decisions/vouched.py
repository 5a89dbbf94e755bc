"""The rows for which audit entries of this slice vouch."""

from andon.audit import RowKind

AUTOMATION_VERSIONS = RowKind(
    "automation_version",
    "automation_versions",
    {"name": "text", "number": "integer"},
    ("t.digest", "t.description", "t.deployed_by", "t.deployed_at"),
)

RELEASES = RowKind(
    "release",
    "releases",
    {"automation": "text", "number": "integer"},
    ("t.version", "t.before", "t.released_by", "t.reason", "t.released_at"),
)
