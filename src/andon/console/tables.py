"""The one table of the console's own."""

from sqlalchemy import Column, DateTime, LargeBinary, MetaData, Table, Uuid

console_sessions = Table(
    "console_sessions",
    MetaData(),
    Column("id", LargeBinary, primary_key=True),
    Column("key_id", Uuid, nullable=False),
    Column("started_at", DateTime(timezone=True), nullable=False),
    Column("seen_at", DateTime(timezone=True), nullable=False),
)
