"""Rows of spending and budgets. Only `store.py` may import this."""

from sqlalchemy import BigInteger, Column, Date, DateTime, Integer, MetaData, Table, Text, Uuid

_metadata = MetaData()

spend = Table(
    "spend",
    _metadata,
    Column("day", Date, primary_key=True),
    Column("automation", Text, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("currency", Text, primary_key=True),
    Column("decisions", BigInteger, nullable=False),
    Column("cpu_us", BigInteger, nullable=False),
    Column("gpu_us", BigInteger, nullable=False),
    Column("cost", BigInteger, nullable=False),
)

spend_idle = Table(
    "spend_idle",
    _metadata,
    Column("day", Date, primary_key=True),
    Column("currency", Text, primary_key=True),
    Column("cpu_us", BigInteger, nullable=False),
    Column("cost", BigInteger, nullable=False),
)

spend_writers = Table(
    "spend_writers",
    _metadata,
    Column("writer", Uuid, primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("added_at", DateTime(timezone=True), nullable=False),
)

budgets = Table(
    "budgets",
    _metadata,
    Column("automation", Text, primary_key=True),
    Column("per", Text, primary_key=True),
    Column("starts_on", Date, primary_key=True),
    Column("currency", Text, primary_key=True),
    Column("ends_on", Date, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("spent", BigInteger, nullable=False),
    Column("reserved", BigInteger, nullable=False),
    Column("opened_at", DateTime(timezone=True), nullable=False),
    Column("nearly_at", DateTime(timezone=True)),
    Column("used_up_at", DateTime(timezone=True)),
)

budget_settings = Table(
    "budget_settings",
    _metadata,
    Column("automation", Text, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("per", Text),
    Column("amount", BigInteger),
    Column("set_by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("set_at", DateTime(timezone=True), nullable=False),
)

budget_purses = Table(
    "budget_purses",
    _metadata,
    Column("purse", Uuid, primary_key=True),
    Column("automation", Text, primary_key=True),
    Column("per", Text, primary_key=True),
    Column("starts_on", Date, primary_key=True),
    Column("currency", Text, primary_key=True),
    Column("granted", BigInteger, nullable=False),
    Column("used", BigInteger, nullable=False),
    Column("until", DateTime(timezone=True), nullable=False),
)
