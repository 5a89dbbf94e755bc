"""Rows of splits, leases and shadows. Only `store.py` may import this."""

from sqlalchemy import Column, DateTime, Float, Integer, MetaData, String, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData()

traffic_splits = Table(
    "traffic_splits",
    metadata,
    Column("automation", String, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("model", String, nullable=False),
    Column("salt", String, nullable=False),
    Column("shares", JSONB, nullable=False),
    Column("shadows", JSONB, nullable=False),
    Column("set_by", String, nullable=False),
    Column("reason", Text, nullable=False),
    Column("set_at", DateTime(timezone=True), nullable=False),
    Column("places", JSONB, nullable=False),
    Column("unit", String, nullable=False),
)

traffic_leases = Table(
    "traffic_leases",
    metadata,
    Column("automation", String, primary_key=True),
    Column("split", Integer, nullable=False),
    Column("holder", String, nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
)

shadow_predictions = Table(
    "shadow_predictions",
    metadata,
    Column("decision_id", Uuid, primary_key=True),
    Column("automation", String, nullable=False),
    Column("arm", String, primary_key=True),
    Column("endpoint", String, nullable=False),
    Column("model_version", Integer, nullable=False),
    Column("outcome", String),
    Column("score", Float),
    Column("label", String),
    Column("confidence", Float),
    Column("error", Text),
    Column("predicted_at", DateTime(timezone=True), nullable=False),
)
