"""Rows of procedures. Only `store.py` may import this."""

from sqlalchemy import JSON, Boolean, Column, DateTime, Integer, MetaData, String, Table, Text, Uuid

_metadata = MetaData()
_AT = DateTime(timezone=True)

procedures = Table(
    "procedures",
    _metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", String, nullable=False),
    Column("version", String, nullable=False),
    Column("automation", String, nullable=False),
    Column("decision_id", Uuid, nullable=False),
    Column("input", JSON(none_as_null=True), nullable=True),
    Column("verdict", String, nullable=True),
    Column("correlation_id", String, nullable=False),
    Column("traceparent", String, nullable=True),
    Column("started_at", _AT, nullable=False),
    Column("forked_from", Uuid, nullable=True),
    Column("forked_at_step", Integer, nullable=True),
    Column("entered", Boolean, nullable=False),
)

procedure_versions = Table(
    "procedure_versions",
    _metadata,
    Column("name", String, primary_key=True),
    Column("version", String, primary_key=True),
    Column("retired", Boolean, nullable=False),
    Column("seen_at", _AT, nullable=False),
)

procedure_events = Table(
    "procedure_events",
    _metadata,
    Column("id", Uuid, primary_key=True),
    Column("procedure_id", Uuid, nullable=False),
    Column("name", String, nullable=False),
    Column("key", String, nullable=False),
    Column("data", JSON(none_as_null=False), nullable=False),
    Column("sent_by", String, nullable=False),
    Column("sent_at", _AT, nullable=False),
    Column("taken_by", Integer, nullable=True),
)

procedure_waits = Table(
    "procedure_waits",
    _metadata,
    Column("procedure_id", Uuid, primary_key=True),
    Column("step", Integer, primary_key=True),
    Column("what", Text, nullable=False),
    Column("began_at", _AT, nullable=False),
    Column("until", _AT, nullable=True),
    Column("message_id", Uuid, nullable=True),
    Column("over", Boolean, nullable=False, default=False),
)

procedure_attempts = Table(
    "procedure_attempts",
    _metadata,
    Column("procedure_id", Uuid, primary_key=True),
    Column("step", Integer, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("began_at", _AT, nullable=False),
    Column("ended_at", _AT, nullable=False),
    Column("error", Text, nullable=False),
)
