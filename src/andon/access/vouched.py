"""The rows that audit entries of this slice vouch for."""

from andon.audit import RowKind

KEYS = RowKind(
    "key",
    "access_keys",
    {"id": "uuid"},
    (
        "t.name",
        "encode(t.digest, 'hex')",
        "t.reason",
        "t.created_at",
        "t.created_by",
        "t.expires_at",
        "t.revoked_at",
        "t.revoked_by",
        (
            "(SELECT jsonb_agg(jsonb_build_array(g.role, g.automation) ORDER BY g.role, g.automation) "
            "FROM access_grants AS g WHERE g.key_id = t.id)"
        ),
    ),
    changes=True,
)
"""A key with its grants, without the time of its last use."""
