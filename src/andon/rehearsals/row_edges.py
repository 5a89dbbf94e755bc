"""Rows at the edges of a contract: bounds, missing values, unusual texts and times, extreme numbers."""

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from andon.rehearsals.contract_fields import ContractField, FieldKind, Schema, choices_of, kind_of, range_of

Row = Mapping[str, Any]

_NUMBERS = (0.0, -0.0, 1.0, -1.0, 5e-324, 2.0**53 + 2, 1e300, -1e300, 0.1)
_INTEGERS = (0, 1, -1, 2**31 - 1, -(2**31), 2**53 + 1, 2**63 - 1)
_TEXTS = (
    "",
    " ",
    "0",
    "null",
    "a b",
    "Zoë Åström",
    "e\u0301",
    "اسم",
    "名前",
    "😀👩‍👩‍👧",
    "\u202etxt",
    "a\nb\tc",
    "'; --",
    '"<b>&amp;</b>"',
    "\ufeffx",
    "x" * 1_000,
)
_TIMES = (
    "1970-01-01T00:00:00+00:00",
    "2000-02-29T23:59:59.999999+00:00",
    "2026-03-29T02:30:00+01:00",
    "1900-01-01T00:00:00+00:00",
    "2999-12-31T23:59:59+14:00",
)


def edge_rows(typical: Row, fields: Iterable[ContractField]) -> Iterator[dict[str, Any]]:
    """Make a typical row with one field at an edge, for every edge of every field.

    The last three rows have all fields at their least, at their greatest, and missing. The rows follow the schema only:
    the caller leaves out those that the contract's own validators refuse.
    """
    fields = tuple(fields)
    least, greatest, missing = dict(typical), dict(typical), dict(typical)
    for field in fields:
        edges = [edge for option in field.options for edge in edges_of(option)]
        for edge in edges:
            yield {**typical, field.name: edge}
        if field.nullable:
            yield {**typical, field.name: None}
            missing[field.name] = None
        if not field.required:
            yield {name: value for name, value in typical.items() if name != field.name}
            missing.pop(field.name, None)
        if edges:
            least[field.name], greatest[field.name] = edges[0], edges[1 if len(edges) > 1 else 0]
    yield from (least, greatest, missing)


def edges_of(schema: Schema) -> list[Any]:
    """Return values at the edges of a schema: its least and greatest first, then unusual ones between them."""
    kind = kind_of(schema)
    if kind is FieldKind.CHOICE:
        choices = list(choices_of(schema))
        return [choices[0], choices[-1], *choices[1:-1]]
    if kind is FieldKind.BOOLEAN:
        return [False, True]
    if kind is FieldKind.INTEGER:
        return [int(value) for value in _numbers(schema, _INTEGERS)]
    if kind is FieldKind.NUMBER:
        return _numbers(schema, _NUMBERS)
    if kind is FieldKind.TIME:
        return list(_TIMES)
    if kind is FieldKind.TEXT:
        return _texts(schema)
    return [] if schema.get("type") != "array" or schema.get("minItems") else [[]]


def _numbers(schema: Schema, usual: Iterable[float]) -> list[Any]:
    """Return both bounds, the numbers just inside them, and the usual ones between."""
    low, high = range_of(schema)
    step = 1 if kind_of(schema) is FieldKind.INTEGER else None
    inner = [math.nextafter(low, math.inf), math.nextafter(high, -math.inf)] if step is None else [low + 1, high - 1]
    usual = sorted(usual)
    first, last = (low if math.isfinite(low) else usual[0]), (high if math.isfinite(high) else usual[-1])
    between = [value for value in (*inner, *usual) if math.isfinite(value) and low <= value <= high]
    return [first, last, *dict.fromkeys(value for value in between if value not in (first, last))]


def _texts(schema: Schema) -> list[str]:
    """Return the shortest and the longest text, and unusual ones of a length between."""
    least, most = int(schema.get("minLength", 0)), schema.get("maxLength")
    ends = ["x" * least, "x" * int(most if most is not None else max(least, 1_000))]
    fitting = [text for text in _TEXTS if least <= len(text) and (most is None or len(text) <= most)]
    wide = ["ÿ" * int(most)] if most is not None else []
    return [*ends, *(text for text in (*fitting, *wide) if text not in ends)]
