"""Review rows. Only `store.py` may import this."""

from sqlalchemy import ARRAY, JSON, Boolean, Column, DateTime, MetaData, String, Table, Text, Uuid

_AT = DateTime(timezone=True)

reviews = Table(
    "reviews",
    MetaData(),
    Column("id", Uuid, primary_key=True),
    Column("decision_id", Uuid, nullable=False),
    Column("automation", String, nullable=False),
    Column("queue", String, nullable=False),
    Column("state", String, nullable=False),
    Column("rule", String, nullable=False),
    Column("reasons", ARRAY(Text), nullable=False),
    Column("outcomes", ARRAY(Text), nullable=False),
    Column("actions", JSON, nullable=False),
    Column("correlation_id", String, nullable=False),
    Column("traceparent", String, nullable=True),
    Column("opened_at", _AT, nullable=False),
    Column("due_at", _AT, nullable=False),
    Column("claimed_by", String, nullable=True),
    Column("claimed_at", _AT, nullable=True),
    Column("claimed_until", _AT, nullable=True),
    Column("outcome", String, nullable=True),
    Column("reason", Text, nullable=True),
    Column("decided_by", String, nullable=True),
    Column("decided_at", _AT, nullable=True),
    Column("asked_by", Uuid, nullable=True, unique=True),
    Column("procedure_id", Uuid, nullable=True),
    Column("question", Text, nullable=True),
    Column("blind", Boolean, nullable=False),
    Column("predicted", Text, nullable=True),
    Column("action_id", Uuid, nullable=True),
)
