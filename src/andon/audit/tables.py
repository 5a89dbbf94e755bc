"""Audit rows. Only `store` may import this."""

from sqlalchemy import BigInteger, Column, DateTime, LargeBinary, MetaData, SmallInteger, String, Table, Uuid
from sqlalchemy.dialects.postgresql import JSONB

_metadata = MetaData()

entries = Table(
    "audit_entries",
    _metadata,
    Column("writer", Uuid, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("prev_hash", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("actor", String, nullable=False),
    Column("action", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("body", LargeBinary, nullable=False),
)

checkpoints = Table(
    "audit_checkpoints",
    _metadata,
    Column("number", BigInteger, primary_key=True),
    Column("prev_hash", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("chains", BigInteger, nullable=False),
    Column("entries", BigInteger, nullable=False),
)

heads = Table(
    "audit_heads",
    _metadata,
    Column("writer", Uuid, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("hash", LargeBinary, nullable=False),
    Column("checkpoint", BigInteger, nullable=False),
)

tips = Table(
    "audit_tips",
    _metadata,
    Column("name", String, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("hash", LargeBinary, nullable=False),
)

verifications = Table(
    "verifications",
    _metadata,
    Column("id", Uuid, primary_key=True),
    Column("asked_by", String, nullable=False),
    Column("anchor", LargeBinary, nullable=True),
    Column("asked_at", DateTime(timezone=True), nullable=False),
    Column("started_at", DateTime(timezone=True), nullable=True),
    Column("ended_at", DateTime(timezone=True), nullable=True),
    Column("claimed_until", DateTime(timezone=True), nullable=True),
    Column("attempts", SmallInteger, nullable=False),
    Column("entries_read", BigInteger, nullable=False),
    Column("report", JSONB, nullable=True),
    Column("error", String, nullable=True),
)
