"""Rows of deliveries. Only `store.py` may import this."""

from sqlalchemy import Boolean, Column, DateTime, Integer, LargeBinary, MetaData, String, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

_metadata = MetaData()

delivery_attempts = Table(
    "delivery_attempts",
    _metadata,
    Column("id", Uuid, primary_key=True),
    Column("message_id", Uuid, nullable=False),
    Column("number", Integer, nullable=False),
    Column("began_at", DateTime(timezone=True), nullable=False),
    Column("inquiry", Boolean, nullable=False),
)

delivery_answers = Table(
    "delivery_answers",
    _metadata,
    Column("attempt_id", Uuid, primary_key=True),
    Column("ended_at", DateTime(timezone=True), nullable=False),
    Column("kind", String, nullable=False),
    Column("status", Integer, nullable=True),
    Column("detail", Text, nullable=False),
    Column("result", JSONB, nullable=True),
)

disabled_destinations = Table(
    "disabled_destinations",
    _metadata,
    Column("name", Text, primary_key=True),
    Column("disabled_at", DateTime(timezone=True), nullable=False),
    Column("reason", Text, nullable=False),
)

action_evidence = Table(
    "action_evidence",
    _metadata,
    Column("id", Uuid, primary_key=True),
    Column("action_id", Uuid, nullable=False),
    Column("automation", Text, nullable=False),
    Column("run", Uuid, nullable=False),
    Column("look", Boolean, nullable=False),
    Column("number", Integer, nullable=False),
    Column("what", Text, nullable=False),
    Column("commit", Boolean, nullable=False),
    Column("began_at", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True), nullable=True),
    Column("outcome", Text, nullable=True),
    Column("detail", Text, nullable=False),
    Column("digest", Text, nullable=True),
    Column("picture", LargeBinary, nullable=True),
    Column("picture_digest", Text, nullable=True),
)
