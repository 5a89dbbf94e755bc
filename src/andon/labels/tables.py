"""Label rows. Only `store.py` may import this."""

from sqlalchemy import Column, DateTime, Float, MetaData, String, Table, Uuid

labels = Table(
    "labels",
    MetaData(),
    Column("id", Uuid, primary_key=True),
    Column("decision_id", Uuid, nullable=False),
    Column("automation", String, nullable=False),
    Column("said", String, nullable=False),
    Column("value", String),
    Column("source", String, nullable=False),
    Column("probability", Float, nullable=False),
    Column("recorded_by", String, nullable=False),
    Column("known_at", DateTime(timezone=True), nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    Column("corrects", Uuid),
    Column("reason", String),
)
