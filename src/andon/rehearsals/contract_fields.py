"""The fields of a contract, from its JSON Schema: their kinds, their bounds, and which values may be missing."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

Schema = Mapping[str, Any]

MEDIA = "contentMediaType"
"""The key by which a schema says that a string is free text."""

WIDE = 1_000.0
"""The width of the range for a number without an upper bound."""


class FieldKind(StrEnum):
    """The kinds of fields for which values are invented."""

    NUMBER = "number"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    TEXT = "text"
    TIME = "time"
    CHOICE = "choice"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class ContractField:
    """One field by the name that callers send. `options` are its schemas other than null; the first one is typical.

    `default` is the contract's value for a missing one; None if it has none that JSON can hold.
    """

    name: str
    options: tuple[Schema, ...]
    nullable: bool
    required: bool
    default: Any = None

    @property
    def schema(self) -> Schema:
        """The schema of a typical value."""
        return self.options[0]

    @property
    def kind(self) -> FieldKind:
        """The kind of a typical value."""
        return kind_of(self.schema)

    @property
    def may_be_missing(self) -> bool:
        """Whether a row may lack a value."""
        return self.nullable or self.default is not None


def fields_of(schema: Schema) -> tuple[ContractField, ...]:
    """List the fields of a contract's JSON Schema, with references resolved."""
    definitions = schema.get("$defs", {})
    required = set(schema.get("required", ()))
    fields = []
    for name, given in schema.get("properties", {}).items():
        options = [_resolved(option, definitions) for option in _options(_resolved(given, definitions))]
        filled = tuple(_with_media(option, given) for option in options if option.get("type") != "null")
        nullable, default = len(filled) < len(options), given.get("default")
        fields.append(ContractField(name, filled or ({},), nullable, name in required, default))
    return tuple(fields)


def kind_of(schema: Schema) -> FieldKind:
    """Return the kind of the values that a schema allows."""
    if "enum" in schema or "const" in schema:
        return FieldKind.CHOICE
    given, form = schema.get("type"), schema.get("format")
    if given == "string":
        return FieldKind.TIME if form == "date-time" else FieldKind.TEXT
    known = {"number": FieldKind.NUMBER, "integer": FieldKind.INTEGER, "boolean": FieldKind.BOOLEAN}
    return known.get(str(given), FieldKind.OTHER)


def choices_of(schema: Schema) -> Sequence[Any]:
    """Return the values of an enumeration."""
    return [schema["const"]] if "const" in schema else list(schema["enum"])


def range_of(schema: Schema) -> tuple[float, float]:
    """Return the least and the greatest number that a schema allows; infinite where it has no bound."""
    step = 1.0 if schema.get("type") == "integer" else 0.0
    low, high = float(schema.get("minimum", -math.inf)), float(schema.get("maximum", math.inf))
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    if above is not None:
        low = max(low, above + step if step else float(np.nextafter(above, math.inf)))
    if below is not None:
        high = min(high, below - step if step else float(np.nextafter(below, -math.inf)))
    return low, high


def usual_range(schema: Schema) -> tuple[float, float]:
    """Return a finite range to draw numbers from: within the bounds, and WIDE where a bound is missing."""
    low, high = range_of(schema)
    if math.isinf(low):
        low = min(0.0, high - WIDE) if math.isfinite(high) else 0.0
    return low, high if math.isfinite(high) else low + WIDE


def fitting(schema: Schema, value: float) -> float | int:
    """Return the number nearest to `value` that a schema of numbers allows."""
    low, high = range_of(schema)
    value = min(max(value, low), high)
    step = schema.get("multipleOf")
    if schema.get("type") == "integer":
        whole = int(np.rint(value)) if not step else round(value / step) * int(step)
        return int(min(max(whole, math.ceil(low) if math.isfinite(low) else whole), high))
    return round(round(value / step) * step, 12) if step else value


def _with_media(option: Schema, around: Schema) -> Schema:
    """Return an alternative with the media type given next to the union."""
    media = around.get(MEDIA)
    return {**option, MEDIA: media} if media and option.get("type") == "string" else option


def _options(schema: Schema) -> Sequence[Schema]:
    """Return the alternatives of a union, each with a type of its own."""
    for word in ("anyOf", "oneOf"):
        if word in schema:
            return list(schema[word])
    if isinstance(schema.get("type"), list):
        return [{**schema, "type": one} for one in schema["type"]]
    return [schema]


def _resolved(schema: Schema, definitions: Schema) -> Schema:
    """Resolve the reference of a schema, with the keys next to the reference, and all references below it."""
    if "$ref" in schema:
        beside = {key: value for key, value in schema.items() if key != "$ref"}
        schema = {**definitions[schema["$ref"].rpartition("/")[2]], **beside}
    if "allOf" in schema and len(schema["allOf"]) == 1:
        beside = {key: value for key, value in schema.items() if key != "allOf"}
        return _resolved({**schema["allOf"][0], **beside}, definitions)
    return {**schema, "$defs": definitions} if schema.get("type") in ("object", "array") and definitions else schema
