"""Strategies of hypothesis for the values of a contract. Only `row_edges.py` imports this, when edges are drawn.

hypothesis likes bounds, the numbers next to them, and values that often break code; it never draws a value twice.
"""

import math
import re
import tempfile
from collections.abc import Sequence
from datetime import timedelta, timezone
from typing import Any, TypeAlias

import hypothesis
from hypothesis import strategies as st
from hypothesis.configuration import set_hypothesis_home_dir

from andon.rehearsals.contract_fields import (
    ContractField,
    FieldKind,
    Schema,
    choices_of,
    fields_of,
    fitting,
    kind_of,
    range_of,
)

Values: TypeAlias = st.SearchStrategy[Any]

WHOLE = 2**63
"""The bound below which whole numbers are drawn, as tables hold no larger ones."""

LONG = 1_000
"""The length of a long text without a maximum length."""

LONGEST = 50_000
"""The longest text that is drawn, whatever the maximum, as hundreds of them are in memory together."""

_FORMATS = {"uuid": st.uuids().map(str), "date": st.dates().map(str)}
_LETTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
"""All characters of UTF-8, except NUL, which every contract refuses."""

_END = re.compile(r"(?<!\\)\$$")

_ODD = "\n' \u0301\u0663"
"""Letters at which programs often break: the ends of lines and of quotes, white space; a mark without its letter; a
digit of another script."""

_OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
_TIMES = st.datetimes(timezones=_OFFSETS).map(lambda moment: moment.isoformat())


def drawn(strategy: Values, count: int, seed: int) -> list[Any]:
    """Draw up to `count` different values; the same ones for the same seed."""
    found: list[Any] = []

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=count,
        database=None,
        deadline=None,
        derandomize=True,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(strategy)
    def collect(value: Any) -> None:
        found.append(value)

    with tempfile.TemporaryDirectory(prefix="andon-") as folder:  # hypothesis writes its character tables there
        set_hypothesis_home_dir(folder)
        try:
            collect()
        finally:
            set_hypothesis_home_dir(None)
    return found


def values_of(field: ContractField) -> Values:
    """Return the strategy of a field's values; an empty one if its schema does not describe them."""
    options = [_values(option) for option in field.options]
    return st.one_of(*options, st.none()) if field.nullable else st.one_of(*options)


def rows_of(fields: Sequence[ContractField]) -> Values:
    """Return the strategy of whole rows: fields vary independently, and optional ones are sometimes missing."""
    known = [(field, values) for field in fields if not (values := values_of(field)).is_empty]
    return st.fixed_dictionaries(
        {field.name: values for field, values in known if field.required},
        optional={field.name: values for field, values in known if not field.required},
    )


def _values(schema: Schema) -> Values:
    match kind_of(schema):
        case FieldKind.CHOICE:
            return st.sampled_from(choices_of(schema))
        case FieldKind.BOOLEAN:
            return st.booleans()
        case FieldKind.INTEGER | FieldKind.NUMBER:
            return _numbers(schema)
        case FieldKind.TIME:
            return _TIMES
        case FieldKind.TEXT:
            return _texts(schema)
    return _nested(schema)


def _numbers(schema: Schema) -> Values:
    """Return numbers, with both bounds as often as all others together."""
    low, high = (bound if math.isfinite(bound) else None for bound in range_of(schema))
    found: Values
    if kind_of(schema) is FieldKind.INTEGER:
        least, most = -WHOLE if low is None else math.ceil(low), WHOLE - 1 if high is None else math.floor(high)
        found = st.sampled_from([least, most]) | st.integers(least, most)
    else:
        bounds = [bound for bound in (low, high) if bound is not None]
        numbers: Values = st.floats(low, high, allow_nan=False, allow_infinity=False)
        found = st.sampled_from(bounds) | numbers if bounds else numbers
    return found.map(lambda value: fitting(schema, value)) if "multipleOf" in schema else found


def _texts(schema: Schema) -> Values:
    """Return texts, with the shortest and the longest ones as often as all others together."""
    if "format" in schema:
        return _FORMATS.get(schema["format"], st.nothing())
    least, most = int(schema.get("minLength", 0)), schema.get("maxLength")
    if "pattern" in schema:
        whole = _END.sub(r"\\Z", schema["pattern"])  # `$` allows a line break after it in Python, and not in a contract
        return st.from_regex(whole).filter(lambda text: len(text) <= (most or LONG))
    length = max(least, LONG) if most is None else max(least, min(int(most), LONGEST))
    odd = st.sampled_from(_ODD)
    ends = st.tuples(odd | _LETTERS, st.sampled_from(sorted({least, length}))).map(lambda drawn: drawn[0] * drawn[1])
    return (
        ends
        | st.text(odd, min_size=least, max_size=min(length, least + 3))
        | st.text(_LETTERS, min_size=least, max_size=length)
    )


def _nested(schema: Schema) -> Values:
    definitions = schema.get("$defs", {})
    if schema.get("type") == "object":
        return rows_of(fields_of(schema))
    if schema.get("type") != "array":
        return st.nothing()
    items = schema.get("items", {"type": "string"})
    (item,) = fields_of({"properties": {"item": items}, "$defs": definitions})
    least, most = int(schema.get("minItems", 0)), schema.get("maxItems")
    return st.lists(values_of(item), min_size=least, max_size=least + 3 if most is None else min(int(most), least + 3))
