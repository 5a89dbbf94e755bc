"""Attachments and their contents. Only `store` imports this."""

from sqlalchemy import BigInteger, Column, DateTime, LargeBinary, MetaData, String, Table

_METADATA = MetaData()

attachment_contents = Table(
    "attachment_contents",
    _METADATA,
    Column("sha256", String, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("kept_at", DateTime(timezone=True), nullable=False),
)

attachments = Table(
    "attachments",
    _METADATA,
    Column("automation", String, primary_key=True),
    Column("mail", String, primary_key=True),
    Column("sha256", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("media_type", String, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("kept_at", DateTime(timezone=True), nullable=False),
)
