"""Rows of measures. Only `store.py` may import this."""

from sqlalchemy import BigInteger, Column, Date, DateTime, MetaData, Numeric, String, Table, Uuid
from sqlalchemy.dialects.postgresql import JSONB

_metadata = MetaData()

measure_sums = Table(
    "measure_sums",
    _metadata,
    Column("automation", String, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("measure", String, primary_key=True),
    Column("unit", String, primary_key=True),
    Column("arm", String, primary_key=True),
    Column("segment", JSONB, primary_key=True),
    Column("decisions", BigInteger, nullable=False),
    Column("counted", BigInteger, nullable=False),
    Column("total", Numeric, nullable=False),
)

measure_values = Table(
    "measure_values",
    _metadata,
    Column("decision_id", Uuid, primary_key=True),
    Column("measure", String, primary_key=True),
    Column("value", Numeric, nullable=False),
)

measure_reports = Table(
    "measure_reports",
    _metadata,
    Column("id", Uuid, primary_key=True),
    Column("decision_id", Uuid, nullable=False),
    Column("automation", String, nullable=False),
    Column("measure", String, nullable=False),
    Column("value", Numeric, nullable=False),
    Column("reported_by", String, nullable=False),
    Column("known_at", DateTime(timezone=True), nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
)
