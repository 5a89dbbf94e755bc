"""Decision rows, intake rows, deployed versions and releases.

Only `store` may import this; `ledger.py` writes the same tables by asyncpg.
"""

from collections.abc import Mapping
from datetime import datetime
from types import NoneType
from typing import Any, get_args
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Double,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeEngine

from andon.cord import LineState
from andon.decisions.shape import COLUMNS, Field

_METADATA = MetaData()

_TYPES: Mapping[Any, TypeEngine[Any]] = {
    UUID: Uuid(),
    str: String(),
    LineState: String(),
    int: BigInteger(),
    float: Double(),
    bool: Boolean(),
    datetime: DateTime(timezone=True),
    bytes: LargeBinary(),
}


def _column(field: Field) -> Column[Any]:
    present = [kind for kind in get_args(field.type) or (field.type,) if kind is not NoneType]
    return Column(field.name, _TYPES[present[0]], primary_key=field.name == "id")


decisions = Table(
    "decisions",
    _METADATA,
    *map(_column, COLUMNS.values()),
    Column("writer", Uuid),
    Column("seq", BigInteger),
    Column("salt", LargeBinary),
    Column("record", LargeBinary),
)

idempotency_keys = Table(
    "idempotency_keys",
    _METADATA,
    Column("scope", String, primary_key=True),
    Column("key", String, primary_key=True),
    Column("digest", LargeBinary, nullable=False),
    Column("decision_id", Uuid, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
)

intake = Table(
    "intake",
    _METADATA,
    Column("id", Uuid, primary_key=True),
    Column("automation", String, nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("caller", String, nullable=False),
    Column("correlation_id", String, nullable=False),
    Column("traceparent", String, nullable=True),
    Column("idempotency_key", String, nullable=True),
    Column("received_at", DateTime(timezone=True), nullable=False),
    Column("claimed_until", DateTime(timezone=True), nullable=True),
    Column("error", Text, nullable=True),
    Column("notify", String, nullable=True),
    Column("failed_at", DateTime(timezone=True), nullable=True),
    Column("dead_event", Uuid, nullable=True),
    Column("mended", Boolean, nullable=False),
    Column("attempts", SmallInteger, nullable=False),
)

automation_versions = Table(
    "automation_versions",
    _METADATA,
    Column("name", String, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("digest", String, nullable=False),
    Column("description", JSONB, nullable=False),
    Column("deployed_by", String, nullable=False),
    Column("deployed_at", DateTime(timezone=True), nullable=False),
)

releases = Table(
    "releases",
    _METADATA,
    Column("automation", String, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("before", Integer, nullable=True),
    Column("released_by", String, nullable=False),
    Column("reason", Text, nullable=False),
    Column("released_at", DateTime(timezone=True), nullable=False),
)
