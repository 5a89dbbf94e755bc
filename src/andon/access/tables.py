"""Key rows. Only `store.py` may import this."""

from sqlalchemy import Column, DateTime, LargeBinary, MetaData, String, Table, Uuid

_metadata = MetaData()

keys = Table(
    "access_keys",
    _metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", String, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("reason", String, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("created_by", String, nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=True),
    Column("revoked_at", DateTime(timezone=True), nullable=True),
    Column("revoked_by", String, nullable=True),
    Column("last_used_at", DateTime(timezone=True), nullable=True),
)

grants = Table(
    "access_grants",
    _metadata,
    Column("key_id", Uuid, nullable=False),
    Column("role", String, nullable=False),
    Column("automation", String, nullable=True),
)
