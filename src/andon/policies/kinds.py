"""Kinds of values: the kind of a contract's field, its CEL type, and the conversion of Python values to it."""

import types
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal, Union, get_args, get_origin
from uuid import UUID

from cel_expr_python import cel
from pydantic import BaseModel

from andon.policies.domain import ValueKind

OPTIONAL = {
    ValueKind.NUMBER: ValueKind.OPTIONAL_NUMBER,
    ValueKind.STRING: ValueKind.OPTIONAL_STRING,
    ValueKind.BOOLEAN: ValueKind.OPTIONAL_BOOLEAN,
    ValueKind.TIME: ValueKind.OPTIONAL_TIME,
}

CHECKED_AS: Mapping[ValueKind, cel.Type] = {
    ValueKind.NUMBER: cel.Type.DOUBLE,
    ValueKind.STRING: cel.Type.STRING,
    ValueKind.BOOLEAN: cel.Type.BOOL,
    ValueKind.TIME: cel.Type.TIMESTAMP,
    ValueKind.STRINGS: cel.Type.List(cel.Type.STRING),
    ValueKind.NUMBERS: cel.Type.List(cel.Type.DOUBLE),
    ValueKind.NUMBERS_BY_NAME: cel.Type.Map(cel.Type.STRING, cel.Type.DOUBLE),
    ValueKind.OPTIONAL_NUMBER: cel.Type("google.protobuf.DoubleValue"),
    ValueKind.OPTIONAL_STRING: cel.Type("google.protobuf.StringValue"),
    ValueKind.OPTIONAL_BOOLEAN: cel.Type("google.protobuf.BoolValue"),
    ValueKind.OPTIONAL_TIME: cel.Type.TIMESTAMP,
    ValueKind.ANY: cel.Type.DYN,
}
"""The type a condition is checked against. Wrapper types accept `null`, but this CEL takes no values of them ..."""

RUN_AS: Mapping[ValueKind, cel.Type] = {
    kind: cel.Type.DYN if kind in OPTIONAL.values() else checked for kind, checked in CHECKED_AS.items()
}
"""... so what was checked runs with a dynamic one in its place."""


def kind_of(annotation: Any) -> ValueKind:
    """Return the kind of a pydantic field's annotation; ANY for a type that conditions cannot be checked against."""
    annotation = _unwrapped(annotation)
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return _common(kind_of(type(value)) for value in arguments)
    if origin in (Union, types.UnionType):
        kind = _common(kind_of(a) for a in arguments if a is not type(None))
        return OPTIONAL.get(kind, ValueKind.ANY) if type(None) in arguments else kind
    if origin in (list, set, frozenset, tuple):
        inner = _common(kind_of(a) for a in arguments if a is not Ellipsis)
        return {ValueKind.STRING: ValueKind.STRINGS, ValueKind.NUMBER: ValueKind.NUMBERS}.get(inner, ValueKind.ANY)
    if origin is dict and arguments[0] is str and kind_of(arguments[1]) is ValueKind.NUMBER:
        return ValueKind.NUMBERS_BY_NAME
    if isinstance(annotation, type):
        return _kind_of_class(annotation)
    return ValueKind.ANY


def kind_of_value(value: Any) -> ValueKind:
    """Return the kind of a value without a contract, as in `andon policy try`."""
    if isinstance(value, list):
        return ValueKind.STRINGS if value and all(isinstance(v, str) for v in value) else ValueKind.ANY
    return ValueKind.ANY if value is None else kind_of(type(value))


def converted(kind: ValueKind, value: Any) -> Any:
    """Return a Python value converted to this kind for CEL; NaN is a missing value. Raises ValueError or TypeError."""
    if isinstance(value, Enum):
        value = value.value
    if value is None or value != value:  # only NaN differs from itself
        return None
    return _CONVERSIONS[kind](value)


def _unwrapped(annotation: Any) -> Any:
    """Return an annotation without Annotated, NewType and `type X = ...`."""
    while True:
        if get_origin(annotation) is Annotated:
            annotation = get_args(annotation)[0]
        elif hasattr(annotation, "__supertype__"):
            annotation = annotation.__supertype__
        elif hasattr(annotation, "__value__"):
            annotation = annotation.__value__
        else:
            return annotation


def _kind_of_class(annotation: type) -> ValueKind:
    if issubclass(annotation, Enum):
        return _common(kind_of(type(member.value)) for member in annotation)
    for kind, classes in _BY_CLASS:
        if issubclass(annotation, classes):
            return kind
    return ValueKind.ANY


_BY_CLASS: tuple[tuple[ValueKind, tuple[type, ...]], ...] = (
    (ValueKind.BOOLEAN, (bool,)),
    (ValueKind.NUMBER, (int, float, Decimal)),
    (ValueKind.STRING, (str, UUID)),
    (ValueKind.TIME, (datetime, date)),
)


def _common(kinds: Iterable[ValueKind]) -> ValueKind:
    different = set(kinds)
    return different.pop() if len(different) == 1 else ValueKind.ANY


def _time(value: Any) -> datetime:
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    elif isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day, tzinfo=UTC)
    if not isinstance(value, datetime):
        raise TypeError(f"{type(value).__name__} is not a time")
    return value if value.tzinfo is not None else value.replace(tzinfo=UTC)


def _text(value: Any) -> Any:
    return str(value) if isinstance(value, (str, UUID)) else value


def _number(value: Any) -> float:
    if isinstance(value, str):
        raise TypeError("a string is not a number")
    return float(value)


def _anything(value: Any) -> Any:
    """Return a value of no declared kind, reduced to types that CEL knows."""
    if isinstance(value, BaseModel):
        value = value.model_dump()
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, Mapping):
        return {str(name): _anything(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_anything(inner) for inner in value]
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, (bool, int, float, timedelta)) or value is None:
        return value
    return _time(value) if isinstance(value, date) else _text(value)


_CONVERSIONS: Mapping[ValueKind, Callable[[Any], Any]] = {
    ValueKind.NUMBER: _number,
    ValueKind.STRING: _text,
    ValueKind.BOOLEAN: lambda value: value,
    ValueKind.TIME: _time,
    ValueKind.STRINGS: lambda value: [_text(v) for v in value],
    ValueKind.NUMBERS: lambda value: [_number(v) for v in value],
    ValueKind.NUMBERS_BY_NAME: lambda value: {_text(name): _number(v) for name, v in value.items()},
    ValueKind.OPTIONAL_NUMBER: _number,
    ValueKind.OPTIONAL_STRING: _text,
    ValueKind.OPTIONAL_BOOLEAN: lambda value: value,
    ValueKind.OPTIONAL_TIME: _time,
    ValueKind.ANY: _anything,
}
