"""Rows of trials. Only `store` may import this."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Integer,
    Interval,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData()

trials = Table(
    "trials",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("kind", String, nullable=False),
    Column("automation", String, nullable=False),
    Column("number", Integer, nullable=False),
    Column("model", String, nullable=False),
    Column("arms", JSONB, nullable=False),
    Column("champion", Integer, nullable=False),
    Column("in_force", String, nullable=False),
    Column("unit", String, nullable=False),
    Column("dead_man", Interval, nullable=False),
    Column("four_eyes", Boolean, nullable=False),
    Column("state", String, nullable=False),
    Column("split", Integer, nullable=False),
    Column("shadows_before", JSONB, nullable=False),
    Column("started_by", String, nullable=False),
    Column("reason", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True)),
    Column("ended_by", String),
    Column("why", Text, nullable=False),
    Column("seen", BigInteger, nullable=False),
    Column("own", JSONB, nullable=False),
)

trial_events = Table(
    "trial_events",
    metadata,
    Column("trial", Uuid, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("kind", String, nullable=False),
    Column("state_before", String),
    Column("state_after", String, nullable=False),
    Column("by", String, nullable=False),
    Column("reason", Text, nullable=False),
    Column("evidence", JSONB, nullable=False),
    Column("own", JSONB, nullable=False),
)

trial_counts = Table(
    "trial_counts",
    metadata,
    Column("trial", Uuid, primary_key=True),
    Column("name", String, primary_key=True),
    Column("body", JSONB, nullable=False),
)

trial_units = Table(
    "trial_units",
    metadata,
    Column("trial", Uuid, primary_key=True),
    Column("list", String, primary_key=True),
    Column("unit", LargeBinary, primary_key=True),
)

trial_labels = Table(
    "trial_labels",
    metadata,
    Column("id", BigInteger, primary_key=True),
    Column("trial", Uuid, nullable=False),
    Column("decision_id", Uuid, nullable=False),
    Column("due_at", DateTime(timezone=True), nullable=False),
)

trial_questions = Table(
    "trial_questions",
    metadata,
    Column("trial", Uuid, primary_key=True),
    Column("unit", LargeBinary, primary_key=True),
    Column("decision_id", Uuid, nullable=False),
    Column("key", Uuid),
    Column("due_at", DateTime(timezone=True), nullable=False),
    Column("told", Boolean, nullable=False),
)
