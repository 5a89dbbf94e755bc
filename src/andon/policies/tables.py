"""Rows of published policies and of which was in force. Only `store.py` may import this."""

from sqlalchemy import Column, DateTime, Integer, MetaData, String, Table, Text

metadata = MetaData()

policy_versions = Table(
    "policy_versions",
    metadata,
    Column("automation", String, primary_key=True),
    Column("version", String, primary_key=True),
    Column("digest", String, nullable=False),
    Column("text", Text, nullable=False),
    Column("published_by", String, nullable=False),
    Column("reason", Text, nullable=False),
    Column("published_at", DateTime(timezone=True), nullable=False),
)

policy_settings = Table(
    "policy_settings",
    metadata,
    Column("automation", String, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("version", String, nullable=False),
    Column("before", String, nullable=True),
    Column("set_by", String, nullable=False),
    Column("reason", Text, nullable=False),
    Column("set_at", DateTime(timezone=True), nullable=False),
)
