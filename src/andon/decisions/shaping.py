"""The code that writes and reads decisions field by field, generated from their declarations (`shape.py`) at import.

A loop over declarations would cost microseconds per decision. The generated functions are plain, as if written by hand.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import UNSET
from pydantic_core import from_json

from andon.decisions.shape import COLUMNS, RECORD_SHAPE, Field

PARTS = {
    "request": "decision.request",
    "line": "decision.line",
    "draw": "decision.draw",
    "judgement": "decision.judgement",
    "policy": "decision.judgement.ruling",
    "risk": "decision.judgement.risk",
    "prediction": "decision.judgement.prediction",
}
"""The names in an expression of a field, besides `decision` and `now` (nanoseconds), and their places."""

_NULLABLE = frozenset({"prediction"})
"""Parts that may be missing; then all their fields are null."""

_HASHED = frozenset({"line", "policy", "risk", "draw"})
"""Parts that remember their hash."""

_NAMES: Mapping[str, Any] = {
    "from_json": from_json,
    "UNSET": UNSET,
    "UUID": UUID,
    "datetime": datetime,
    "fromhex": bytes.fromhex,
}

_PLAIN: Mapping[Any, str] = {UUID: "str({})", datetime: "{}.isoformat()", tuple[str, ...]: "list({})"}
"""How values of a type become JSON values; values of other types are JSON values already."""

_READ: Mapping[Any, str] = {
    UUID: "UUID({})",
    datetime: "datetime.fromisoformat({})",
    bytes | None: "(None if {0} is None else bytes.fromhex({0}))",
}
"""How values of a type are read from a record."""


_READ_RAW: Mapping[Any, str] = {UUID: "fromhex({}.replace('-', ''))"}

RECORDED_COLUMNS = {name: field for name, field in COLUMNS.items() if field.record}
"""The columns whose values follow from the record."""


def values_of(fields: Iterable[Field], make: Callable[..., Any] | None = None) -> Callable[..., Any]:
    """Return the function from a decision (and `now`) to a tuple of these fields' values.

    With `make`, the function returns the result of `make` for those values.
    """
    values = [_of_decision(field) for field in fields]
    given = ", ".join(values)
    result = f"make({given})" if make else f"({given}{',' * (len(values) == 1)})"
    return _function("decision, now=0", _parts_in(values), result, make=make)


def key_of(fields: Iterable[Field]) -> Callable[[Any], tuple[Any, ...]]:
    """Return the function from a decision to a value that determines these fields and hashes fast."""
    values = [field.of or field.record for field in fields]
    parts = [value.partition(".")[0] for value in values]
    key = dict.fromkeys(part if part in _HASHED else value for part, value in zip(parts, values, strict=True))
    key = dict.fromkeys(map(_or_none, key))
    return _function("decision", _parts_in(f"({value}." for value in (*parts, *key)), f"({', '.join(key)},)")


def texts_of(fields: Iterable[Field], make: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function of `values_of` for a `make` that writes JSON by itself and knows every type but bytes."""
    values = [_hex(field, _of_decision(field)) for field in fields]
    return _function("decision, now=0", _parts_in(values), f"make({', '.join(values)})", make=make)


def json_of_recorded(fields: Sequence[Field]) -> Callable[[Any, Any], dict[str, Any]]:
    """Return the function from a recorded decision to these fields as JSON values, at their paths.

    It takes the decision's row and its record.
    """
    values = {field.path: _plain(field, _of_recorded(field)) for field in fields}
    return _function("row, record", (), _nested(values))


def seen_of_recorded(fields: Sequence[Field]) -> Callable[[Any, Any], dict[str, Any]]:
    """Return the function of `json_of_recorded` for a JSON writer that knows every type but bytes."""
    values = {field.path: _hex(field, _of_recorded(field)) for field in fields}
    return _function("row, record", (), _nested(values))


def columns_of_record(shape: int = RECORD_SHAPE) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """Return the function from a record of this shape to the columns of its decision, by name."""
    values = {
        name: _read(field, _in_record(field.record)) if field.since <= shape else f"before[{name!r}]"
        for name, field in COLUMNS.items()
        if field.record
    }
    return _function("record", (), _nested(values), before={name: field.before for name, field in COLUMNS.items()})


def row_of_record(shape: int = RECORD_SHAPE) -> Callable[[Mapping[str, Any]], tuple[Any, ...]]:
    """Return the same as a tuple in the order of RECORDED_COLUMNS, identifiers as 16 bytes, for fast comparison."""
    values = [
        _READ_RAW.get(field.type, _READ.get(field.type, "{}")).format(_in_record(field.record))
        if field.since <= shape
        else f"before[{name!r}]"
        for name, field in RECORDED_COLUMNS.items()
    ]
    before = {name: field.before for name, field in COLUMNS.items()}
    return _function("record", (), f"({', '.join(values)},)", before=before)


def _of_decision(field: Field) -> str:
    return _or_none(field.of or field.record)


def _or_none(value: str) -> str:
    part, _, rest = value.partition(".")
    return f"(None if {part} is None else {value})" if rest and part in _NULLABLE else f"({value})"


def _of_recorded(field: Field) -> str:
    if field.recorded:
        return f"({field.recorded})"
    return f"row.{field.name}" if field.column else _in_record(field.record)


def _in_record(path: str) -> str:
    part, _, rest = path.partition(".")
    value = "record" + "".join(f"[{key!r}]" for key in path.split("."))
    return f"(None if record[{part!r}] is None else {value})" if rest and part in _NULLABLE else value


def _hex(field: Field, value: str) -> str:
    return f"(None if {value} is None else {value}.hex())" if field.type == bytes | None else value


def _plain(field: Field, value: str) -> str:
    return _PLAIN.get(field.type, "{}").format(_hex(field, value))


def _read(field: Field, value: str) -> str:
    return _READ.get(field.type, "{}").format(value)


def _parts_in(values: Iterable[str]) -> list[str]:
    """Return the parts that expressions name."""
    together = " ".join(values)
    return [part for part in PARTS if f"({part}." in together or f" {part}." in together]


def _nested(values: Mapping[str, str]) -> str:
    """Return the text of a mapping; paths with dots make nested mappings."""
    groups: dict[str, dict[str, str]] = {}
    for path, value in values.items():
        name, _, rest = path.partition(".")
        groups.setdefault(name, {})[rest] = value
    return "{" + ", ".join(f"{name!r}: {own.get('') or _nested(own)}" for name, own in groups.items()) + "}"


def _function(parameters: str, parts: Iterable[str], result: str, **names: Any) -> Callable[..., Any]:
    lines = [f"def made({parameters}):", *(f"    {part} = {PARTS[part]}" for part in parts), f"    return {result}"]
    text = "\n".join(lines)
    scope = {**_NAMES, **names}
    exec(text, scope)  # noqa: S102 - the text is made of the declarations of `shape.py` alone
    made: Callable[..., Any] = scope["made"]
    made.__doc__ = text
    return made
