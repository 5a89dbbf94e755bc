"""Rows of rollouts. Only `store` may import this."""

from sqlalchemy import BigInteger, Column, DateTime, Double, Integer, LargeBinary, MetaData, String, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData()

rollouts = Table(
    "rollouts",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("automation", String, nullable=False),
    Column("number", Integer, nullable=False),
    Column("model", String, nullable=False),
    Column("version", Integer, nullable=False),
    Column("policy", String, nullable=False),
    Column("gate", Double),
    Column("champion", Integer, nullable=False),
    Column("in_force", String, nullable=False),
    Column("plan", JSONB, nullable=False),
    Column("state", String, nullable=False),
    Column("stage", Integer, nullable=False),
    Column("stage_at", DateTime(timezone=True), nullable=False),
    Column("split", Integer, nullable=False),
    Column("before", JSONB, nullable=False),
    Column("started_by", String, nullable=False),
    Column("reason", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("approved_by", String),
    Column("ended_at", DateTime(timezone=True)),
    Column("ended_by", String),
    Column("why", Text, nullable=False),
    Column("shadowed_to", BigInteger, nullable=False),
    Column("seen", BigInteger, nullable=False),
)

rollout_events = Table(
    "rollout_events",
    metadata,
    Column("rollout", Uuid, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("kind", String, nullable=False),
    Column("state_before", String),
    Column("state_after", String, nullable=False),
    Column("stage_before", Integer),
    Column("stage_after", Integer, nullable=False),
    Column("made_by", String, nullable=False),
    Column("reason", Text, nullable=False),
    Column("evidence", JSONB, nullable=False),
)

rollout_tests = Table(
    "rollout_tests",
    metadata,
    Column("rollout", Uuid, primary_key=True),
    Column("guardrail", String, primary_key=True),
    Column("body", JSONB, nullable=False),
)

rollout_units = Table(
    "rollout_units",
    metadata,
    Column("rollout", Uuid, primary_key=True),
    Column("guardrail", String, primary_key=True),
    Column("unit", LargeBinary, primary_key=True),
)

rollout_labels = Table(
    "rollout_labels",
    metadata,
    Column("id", BigInteger, primary_key=True),
    Column("rollout", Uuid, nullable=False),
    Column("decision_id", Uuid, nullable=False),
    Column("due_at", DateTime(timezone=True), nullable=False),
)
