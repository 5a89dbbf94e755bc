"""Rows of runs and their parts. Only `store.py` may import this."""

from sqlalchemy import BigInteger, Column, DateTime, Integer, MetaData, Table, Text, Uuid

_metadata = MetaData()

runs = Table(
    "scoring_runs",
    _metadata,
    Column("id", Uuid, primary_key=True),
    Column("automation", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("part_rows", Integer, nullable=False),
    Column("caller", Text, nullable=False),
    Column("begun_at", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True), nullable=True),
)

parts = Table(
    "scoring_parts",
    _metadata,
    Column("run", Uuid, primary_key=True),
    Column("number", BigInteger, primary_key=True),
    Column("asked_at", DateTime(timezone=True), nullable=False),
)
