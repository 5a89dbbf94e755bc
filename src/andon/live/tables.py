"""Rows of processes. Only `store.py` may import this."""

from sqlalchemy import Column, DateTime, Integer, MetaData, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

live_processes = Table(
    "live_processes",
    MetaData(),
    Column("id", Uuid, primary_key=True),
    Column("part", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("andon", Text, nullable=False),
    Column("started_at", DateTime(timezone=True), nullable=False),
    Column("seen_at", DateTime(timezone=True), nullable=False),
    Column("status", JSONB, nullable=False),
)
