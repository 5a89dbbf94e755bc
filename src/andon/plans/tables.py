"""Rows of applied configurations. Only `store.py` may import this."""

from sqlalchemy import BigInteger, Column, DateTime, Identity, MetaData, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

applied_plans = Table(
    "applied_plans",
    MetaData(),
    Column("number", BigInteger, Identity(always=True), primary_key=True),
    Column("applied_at", DateTime(timezone=True), nullable=False),
    Column("applied_by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("state_digest", Text, nullable=False),
    Column("changes", JSONB, nullable=False),
)
