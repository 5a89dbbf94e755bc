"""Streams, their partitions and readers, dead events, the inbox.

Only `store` imports this; `progress.py` uses asyncpg.
"""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Double,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

_METADATA = MetaData()

streams = Table(
    "streams",
    _METADATA,
    Column("automation", String, primary_key=True),
    Column("stream", String, primary_key=True),
    Column("paused_at", DateTime(timezone=True), nullable=True),
    Column("paused_by", String, nullable=True),
    Column("pause_reason", Text, nullable=True),
    Column("problem", Text, nullable=True),
    Column("problem_at", DateTime(timezone=True), nullable=True),
)

stream_partitions = Table(
    "stream_partitions",
    _METADATA,
    Column("automation", String, primary_key=True),
    Column("stream", String, primary_key=True),
    Column("partition", String, primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("paused", Boolean, nullable=False),
    Column("seek", String, nullable=True),
    Column("owner", Uuid, nullable=True),
    Column("end_position", BigInteger, nullable=True),
    Column("end_at", DateTime(timezone=True), nullable=True),
    Column("per_second", Double, nullable=True),
    Column("watermark", DateTime(timezone=True), nullable=True),
    Column("moved_at", DateTime(timezone=True), nullable=True),
    Column("decided", BigInteger, nullable=False),
    Column("repeated", BigInteger, nullable=False),
    Column("left_out", BigInteger, nullable=False),
    Column("dead", BigInteger, nullable=False),
)

stream_members = Table(
    "stream_members",
    _METADATA,
    Column("automation", String, primary_key=True),
    Column("stream", String, primary_key=True),
    Column("member", Uuid, primary_key=True),
    Column("joined_at", DateTime(timezone=True), nullable=False),
    Column("until", DateTime(timezone=True), nullable=False),
)

dead_events = Table(
    "dead_events",
    _METADATA,
    Column("id", Uuid, primary_key=True),
    Column("automation", String, nullable=False),
    Column("stream", String, nullable=False),
    Column("partition", String, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("source", String, nullable=True),
    Column("event_id", String, nullable=True),
    Column("type", String, nullable=True),
    Column("reason", Text, nullable=False),
    Column("faults", JSONB, nullable=False),
    Column("data", LargeBinary, nullable=False),
    Column("headers", JSONB, nullable=False),
    Column("key", String, nullable=True),
    Column("caller", String, nullable=False),
    Column("correlation_id", String, nullable=True),
    Column("traceparent", String, nullable=True),
    Column("happened_at", DateTime(timezone=True), nullable=True),
    Column("died_at", DateTime(timezone=True), nullable=False),
    Column("state", String, nullable=False),
    Column("settled_at", DateTime(timezone=True), nullable=True),
    Column("settled_by", String, nullable=True),
    Column("settle_reason", Text, nullable=True),
    Column("decision_id", Uuid, nullable=True),
    Column("published", Boolean, nullable=False),
)

event_inbox = Table(
    "event_inbox",
    _METADATA,
    Column("position", BigInteger, primary_key=True),
    Column("automation", String, nullable=False),
    Column("shelf", SmallInteger, nullable=False),
    Column("source", String, nullable=True),
    Column("event_id", String, nullable=True),
    Column("key", String, nullable=True),
    Column("headers", JSONB, nullable=False),
    Column("data", LargeBinary, nullable=False),
    Column("caller", String, nullable=False),
    Column("received_at", DateTime(timezone=True), nullable=False),
)

mails = Table(
    "mails",
    _METADATA,
    Column("automation", String, primary_key=True),
    Column("mail", String, primary_key=True),
    Column("message_id", String, nullable=False),
    Column("decision_id", Uuid, nullable=False),
    Column("folder", String, nullable=False),
    Column("moves_seen", ARRAY(Uuid), nullable=False),
    Column("seen_at", DateTime(timezone=True), nullable=False),
)

mail_logs = Table(
    "mail_logs",
    _METADATA,
    Column("mailbox", String, primary_key=True),
    Column("folder", String, primary_key=True),
    Column("token", Text, nullable=True),
    Column("length", BigInteger, nullable=False),
    Column("asked_at", DateTime(timezone=True), nullable=True),
)

logged_mails = Table(
    "logged_mails",
    _METADATA,
    Column("mailbox", String, primary_key=True),
    Column("folder", String, primary_key=True),
    Column("position", BigInteger, primary_key=True),
    Column("remote_id", String, nullable=False),
    Column("arrived_at", DateTime(timezone=True), nullable=False),
)
