"""Rows of alerts and their findings, silences, incidents, rules and drills. Only the store may import this."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Double,
    Identity,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

_AT = DateTime(timezone=True)
_METADATA = MetaData()

alerts = Table(
    "alerts",
    _METADATA,
    Column("id", Uuid, primary_key=True),
    Column("automation", String, nullable=False),
    Column("monitor", String, nullable=False),
    Column("series", String, nullable=False),
    Column("segment", JSONB, nullable=False),
    Column("arm", String, nullable=False),
    Column("level", String, nullable=False),
    Column("raised_at", _AT, nullable=False),
    Column("done", ARRAY(Text), nullable=False),
    Column("ends_at", _AT, nullable=True),
    Column("alert_group", Uuid, nullable=False),
    Column("incident", Uuid, nullable=True),
    Column("drill", Uuid, nullable=True),
    Column("changed", Boolean, nullable=False),
    Column("sent_at", _AT, nullable=True),
    Column("acknowledged_by", String, nullable=True),
    Column("acknowledged_at", _AT, nullable=True),
    Column("resolved_by", String, nullable=True),
    Column("resolved_at", _AT, nullable=True),
    Column("resolution", Text, nullable=True),
)

alert_findings = Table(
    "alert_findings",
    _METADATA,
    Column("alert", Uuid, primary_key=True),
    Column("series", String, primary_key=True),
    Column("level", String, nullable=False),
    Column("provisional", Boolean, nullable=False),
    Column("since", _AT, nullable=False),
    Column("found_at", _AT, nullable=False),
    Column("last_seen_at", _AT, nullable=False),
    Column("count", Integer, nullable=False),
    Column("message", Text, nullable=False),
    Column("expected", Double, nullable=True),
    Column("observed", Double, nullable=True),
    Column("unit", String, nullable=False),
    Column("false_alarm", Double, nullable=True),
    Column("decisions", BigInteger, nullable=False),
    Column("detail", JSONB, nullable=False),
    Column("ended_at", _AT, nullable=True),
)

alert_groups = Table(
    "alert_groups",
    _METADATA,
    Column("id", Uuid, primary_key=True),
    Column("automation", String, nullable=False),
    Column("opened_at", _AT, nullable=False),
    Column("joined_at", _AT, nullable=False),
    Column("drill", Uuid, nullable=True),
    Column("due_at", _AT, nullable=True),
    Column("sent_at", _AT, nullable=True),
)

alert_silences = Table(
    "alert_silences",
    _METADATA,
    Column("id", Uuid, primary_key=True),
    Column("automation", String, nullable=True),
    Column("monitor", String, nullable=True),
    Column("series", String, nullable=True),
    Column("segment", JSONB(none_as_null=True), nullable=True),
    Column("reason", Text, nullable=False),
    Column("made_by", String, nullable=False),
    Column("made_at", _AT, nullable=False),
    Column("ends_at", _AT, nullable=False),
    Column("ended_by", String, nullable=True),
    Column("ended_at", _AT, nullable=True),
)

incidents = Table(
    "incidents",
    _METADATA,
    Column("id", Uuid, primary_key=True),
    Column("automation", String, nullable=False),
    Column("title", Text, nullable=False),
    Column("detected_at", _AT, nullable=False),
    Column("opened_at", _AT, nullable=False),
    Column("opened_by", String, nullable=False),
    Column("owner", String, nullable=True),
    Column("held", Boolean, nullable=False),
    Column("restored_at", _AT, nullable=True),
    Column("cause", Text, nullable=True),
    Column("ended_by", String, nullable=True),
    Column("ended_at", _AT, nullable=True),
)

alert_notes = Table(
    "alert_notes",
    _METADATA,
    Column("id", Uuid, primary_key=True),
    Column("number", BigInteger, Identity(always=True), nullable=False),
    Column("at", _AT, nullable=False),
    Column("alert", Uuid, nullable=True),
    Column("incident", Uuid, nullable=True),
    Column("kind", String, nullable=False),
    Column("made_by", String, nullable=False),
    Column("message", Text, nullable=False),
)

cord_rules = Table(
    "cord_rules",
    _METADATA,
    Column("id", Uuid, primary_key=True),
    Column("automation", String, nullable=False),
    Column("monitor", String, nullable=False),
    Column("level", String, nullable=False),
    Column("state", String, nullable=False),
    Column("segment", Boolean, nullable=False),
    Column("added_by", String, nullable=False),
    Column("added_at", _AT, nullable=False),
    Column("reason", Text, nullable=False),
    Column("removed_by", String, nullable=True),
    Column("removed_at", _AT, nullable=True),
)

cord_pulls = Table(
    "cord_pulls",
    _METADATA,
    Column("automation", String, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("segment", JSONB, nullable=False),
    Column("alert", Uuid, nullable=False),
    Column("rule", Text, nullable=False),
    Column("pulled_at", _AT, nullable=False),
    Column("released_at", _AT, nullable=True),
)

cord_drills = Table(
    "cord_drills",
    _METADATA,
    Column("id", Uuid, primary_key=True),
    Column("automation", String, nullable=False),
    Column("asked_by", String, nullable=False),
    Column("reason", Text, nullable=False),
    Column("began_at", _AT, nullable=False),
    Column("pulled_at", _AT, nullable=True),
    Column("followed_at", _AT, nullable=True),
    Column("ended_at", _AT, nullable=True),
    Column("passed", Boolean, nullable=True),
    Column("result", Text, nullable=True),
)
