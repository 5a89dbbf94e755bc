"""Values drawn from a contract alone, for fields without a profile and without recorded values."""

import string
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np

from andon.authoring import MEDIA_TYPE
from andon.rehearsals.contract_fields import (
    MEDIA,
    FieldKind,
    Schema,
    choices_of,
    fields_of,
    fitting,
    kind_of,
    usual_range,
)
from andon.rehearsals.errors import ContractTooOpen

LETTERS = string.ascii_letters + string.digits
USUAL_LENGTH = 8
USUAL_PROSE = 400
LAST_DAYS = 7
"""The days before `now` from which times are drawn."""


def typical_value(name: str, schema: Schema, rng: np.random.Generator, now: datetime) -> Any:
    """Draw a value that the schema allows. Raises ContractTooOpen if the schema does not describe its values."""
    kind = kind_of(schema)
    if kind is FieldKind.CHOICE:
        choices = choices_of(schema)
        return choices[int(rng.integers(len(choices)))]
    if kind is FieldKind.BOOLEAN:
        return bool(rng.integers(2))
    if kind in (FieldKind.NUMBER, FieldKind.INTEGER):
        return fitting(schema, float(rng.uniform(*usual_range(schema))))
    if kind is FieldKind.TIME:
        return (now - timedelta(days=LAST_DAYS) * rng.random()).astimezone(UTC).isoformat()
    if kind is FieldKind.TEXT:
        return _text(name, schema, rng, now)
    if schema.get("type") == "array":
        return _list(name, schema, rng, now)
    if schema.get("type") == "object":
        return _object(name, schema, rng, now)
    raise ContractTooOpen(f"{name} may be anything: record decisions first, and their values are used")


def _text(name: str, schema: Schema, rng: np.random.Generator, now: datetime) -> str:
    form = schema.get("format")
    if form == "uuid":
        return str(UUID(bytes=rng.bytes(16), version=4))
    if form == "date":
        return (now - timedelta(days=LAST_DAYS) * rng.random()).date().isoformat()
    if form is not None or "pattern" in schema:
        wanted = f"has the format {form}" if form else f"must match {schema['pattern']}"
        raise ContractTooOpen(f"{name} {wanted}: record decisions first, and their values are used")
    least = int(schema.get("minLength", 0))
    if schema.get(MEDIA) == MEDIA_TYPE:
        return _prose(least, int(schema.get("maxLength", USUAL_PROSE)), rng)
    length = min(int(schema.get("maxLength", max(least, USUAL_LENGTH))), max(least, USUAL_LENGTH))
    return "".join(LETTERS[at] for at in rng.integers(len(LETTERS), size=length))


def _prose(least: int, most: int, rng: np.random.Generator) -> str:
    """Invent words, as in a short message."""
    text = ""
    while len(text) < max(least, min(most, int(rng.integers(USUAL_PROSE // 4, USUAL_PROSE)))):
        word = "".join(LETTERS[at] for at in rng.integers(26, size=rng.integers(2, 10)))
        text = f"{text} {word}".strip()
    return text[:most]


def _list(name: str, schema: Schema, rng: np.random.Generator, now: datetime) -> list[Any]:
    least = int(schema.get("minItems", 0))
    length = min(int(schema.get("maxItems", least + 2)), int(rng.integers(least, least + 3)))
    (item,) = fields_of(
        {"properties": {"item": schema.get("items", {"type": "string"})}, "$defs": schema.get("$defs", {})}
    )
    return [typical_value(name, item.schema, rng, now) for _ in range(length)]


def _object(name: str, schema: Schema, rng: np.random.Generator, now: datetime) -> Mapping[str, Any]:
    return {
        one.name: typical_value(f"{name}.{one.name}", one.schema, rng, now) for one in fields_of(schema) if one.required
    }
