"""Rows of experiments. Only `store` may import this."""

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

experiments = Table(
    "experiments",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("automation", String, nullable=False),
    Column("number", Integer, nullable=False),
    Column("model", String, nullable=False),
    Column("arms", JSONB, nullable=False),
    Column("champion", Integer, nullable=False),
    Column("in_force", String, nullable=False),
    Column("measure", String, nullable=False),
    Column("better", String, nullable=False),
    Column("allocation", String, nullable=False),
    Column("unit", String, nullable=False),
    Column("most_decisions", Integer),
    Column("until", DateTime(timezone=True)),
    Column("dead_man", Interval, nullable=False),
    Column("four_eyes", Boolean, nullable=False),
    Column("shares", JSONB, nullable=False),
    Column("allocated_at", DateTime(timezone=True), nullable=False),
    Column("state", String, nullable=False),
    Column("split", Integer, nullable=False),
    Column("before", JSONB, nullable=False),
    Column("started_by", String, nullable=False),
    Column("reason", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True)),
    Column("ended_by", String),
    Column("why", Text, nullable=False),
    Column("winner", String),
    Column("seen", BigInteger, nullable=False),
)

experiment_events = Table(
    "experiment_events",
    metadata,
    Column("experiment", Uuid, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("kind", String, nullable=False),
    Column("state_before", String),
    Column("state_after", String, nullable=False),
    Column("shares", JSONB, nullable=False),
    Column("made_by", String, nullable=False),
    Column("reason", Text, nullable=False),
    Column("evidence", JSONB, nullable=False),
)

experiment_estimates = Table(
    "experiment_estimates",
    metadata,
    Column("experiment", Uuid, primary_key=True),
    Column("body", JSONB, nullable=False),
)

experiment_units = Table(
    "experiment_units",
    metadata,
    Column("experiment", Uuid, primary_key=True),
    Column("list", String, primary_key=True),
    Column("unit", LargeBinary, primary_key=True),
)

experiment_labels = Table(
    "experiment_labels",
    metadata,
    Column("id", BigInteger, primary_key=True),
    Column("experiment", Uuid, nullable=False),
    Column("decision_id", Uuid, nullable=False),
    Column("due_at", DateTime(timezone=True), nullable=False),
)
