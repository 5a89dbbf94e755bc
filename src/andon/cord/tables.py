"""Rows of line state changes. Only `store.py` may import this."""

from sqlalchemy import Column, DateTime, Integer, MetaData, String, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

line_states = Table(
    "line_states",
    MetaData(),
    Column("automation", String, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("segment", JSONB, nullable=False),
    Column("before", String, nullable=False),
    Column("after", String, nullable=False),
    Column("set_by", String, nullable=False),
    Column("reason", Text, nullable=False),
    Column("set_at", DateTime(timezone=True), nullable=False),
)
