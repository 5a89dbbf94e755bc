"""The rows for which audit entries of this slice vouch."""

from andon.audit import RowKind
from andon.decisions.domain import DELIVER_ACTION

AUTOMATION_VERSIONS = RowKind(
    "automation_version",
    "automation_versions",
    {"name": "text", "number": "integer"},
    ("t.digest", "t.description", "t.deployed_by", "t.deployed_at"),
)

SENT = RowKind(
    "delivery",
    "outbox",
    {"id": "uuid"},
    ("t.scope", "t.subject", "t.payload::text", "t.correlation_id", "t.traceparent", "t.created_at"),
    where=f"t.topic = '{DELIVER_ACTION}' AND t.payload -> 'event' IS NULL AND t.payload -> 'decision' IS NOT NULL",
)
"""A delivery set off by something other than a decision: a step of a procedure, a failed request."""

RELEASES = RowKind(
    "release",
    "releases",
    {"automation": "text", "number": "integer"},
    ("t.version", "t.before", "t.released_by", "t.reason", "t.released_at"),
)
