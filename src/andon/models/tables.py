"""Registry rows. Only `store.py` may import this."""

from sqlalchemy import Boolean, Column, DateTime, Integer, LargeBinary, MetaData, String, Table, Text

metadata = MetaData()

model_versions = Table(
    "model_versions",
    metadata,
    Column("name", String, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("digest", String, nullable=False),
    Column("manifest", Text, nullable=False),
    Column("trusted", Boolean, nullable=False),
    Column("registered_by", String, nullable=False),
    Column("reason", Text, nullable=False),
    Column("registered_at", DateTime(timezone=True), nullable=False),
)

model_files = Table(
    "model_files",
    metadata,
    Column("digest", String, primary_key=True),
    Column("chunk", Integer, primary_key=True),
    Column("bytes", LargeBinary, nullable=False),
)

model_aliases = Table(
    "model_aliases",
    metadata,
    Column("name", String, primary_key=True),
    Column("alias", String, primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("number", Integer, nullable=False),
    Column("set_by", String, nullable=False),
    Column("reason", Text, nullable=False),
    Column("set_at", DateTime(timezone=True), nullable=False),
)

model_trials = Table(
    "model_trials",
    metadata,
    Column("digest", String, primary_key=True),
    Column("tried_with", String, primary_key=True),
    Column("passed", Boolean, nullable=False),
    Column("detail", Text, nullable=False),
    Column("tried_at", DateTime(timezone=True), nullable=False),
)

quarantines = Table(
    "quarantines",
    metadata,
    Column("name", String, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("held", Boolean, nullable=False),
    Column("set_by", String, nullable=False),
    Column("reason", Text, nullable=False),
    Column("set_at", DateTime(timezone=True), nullable=False),
)
