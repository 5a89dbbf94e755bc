"""The columns of tool calls. Only `store.py` may import this."""

from sqlalchemy import ARRAY, JSON, Column, DateTime, Double, Integer, MetaData, String, Table, Text, Uuid

_AT = DateTime(timezone=True)

tool_calls = Table(
    "tool_calls",
    MetaData(),
    Column("id", Uuid, primary_key=True),
    Column("toolbox", String, nullable=False),
    Column("tool", String, nullable=False),
    Column("digest", String, nullable=False),
    Column("caller", String, nullable=False),
    Column("agent", String, nullable=False),
    Column("run", String, nullable=True),
    Column("outcome", String, nullable=False),
    Column("rule", String, nullable=False),
    Column("reasons", ARRAY(Text), nullable=False),
    Column("state", String, nullable=False),
    Column("asked_at", _AT, nullable=False),
    Column("expires_at", _AT, nullable=True),
    Column("approval_seconds", Double, nullable=False),
    Column("answered_by", String, nullable=True),
    Column("answered_at", _AT, nullable=True),
    Column("begun_at", _AT, nullable=True),
    Column("ended_at", _AT, nullable=True),
    Column("result", JSON(none_as_null=True), nullable=True),
    Column("error", Text, nullable=True),
    Column("finish_by", _AT, nullable=True),
    Column("queue", String, nullable=True),
    Column("uses", Integer, nullable=False),
)
