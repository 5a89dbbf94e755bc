"""Rows of gate revisions, pointers to the newest, and shares of blind audits. Only `store.py` may import this."""

from sqlalchemy import Column, DateTime, Double, Integer, MetaData, String, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

_metadata = MetaData()

gate_revisions = Table(
    "gate_revisions",
    _metadata,
    Column("automation", String, primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("arm", String, nullable=False),
    Column("segment", JSONB, nullable=False),
    Column("predicted", String, nullable=False),
    Column("threshold", Double, nullable=False),
    Column("target", Double, nullable=False),
    Column("confidence", Double, nullable=True),
    Column("origin", String, nullable=False),
    Column("evidence", JSONB, nullable=False),
    Column("held_out", JSONB, nullable=True),
    Column("automation_version", Integer, nullable=False),
    Column("made_by", String, nullable=False),
    Column("reason", Text, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=True),
)

gate_pointers = Table(
    "gate_pointers",
    _metadata,
    Column("automation", String, primary_key=True),
    Column("arm", String, primary_key=True),
    Column("segment", JSONB, primary_key=True),
    Column("predicted", String, primary_key=True),
    Column("origin", String, primary_key=True),
    Column("revision", Integer, nullable=False),
)

audit_shares = Table(
    "audit_shares",
    _metadata,
    Column("automation", String, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("share", Double, nullable=False),
    Column("set_by", String, nullable=False),
    Column("reason", Text, nullable=False),
    Column("set_at", DateTime(timezone=True), nullable=False),
)
