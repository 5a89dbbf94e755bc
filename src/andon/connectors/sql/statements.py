"""A statement with values in braces, converted for PostgreSQL: numbered parameters of the statement's own types."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from andon.actions import Template, text_of, value_of


class ValueUnfit(Exception):
    """A value does not fit the type of its parameter. The message does not contain it."""


def numbered(statement: str) -> tuple[str, list[str]]:
    """Return the statement with `$1`, `$2` ..., and the names of the values they stand for."""
    names: list[str] = []
    text = ""
    for literal, name in Template(statement).parts:
        text += literal
        if name is not None:
            if name not in names:
                names.append(name)
            text += f"${names.index(name) + 1}"
    return text, names


def parameters(names: Sequence[str], types: Sequence[str], values: Mapping[str, Any]) -> list[Any]:
    """Return the values in order, each converted to its type. Raises ValueMissing, ValueUnfit."""
    return [_fit(name, kind, value_of(values, name)) for name, kind in zip(names, types, strict=True)]


def _fit(name: str, kind: str, value: Any) -> Any:
    fit = _FITS.get(kind)
    if value is None or fit is None:
        return value
    try:
        return fit(value)
    except (ValueError, TypeError, ArithmeticError):
        raise ValueUnfit(f"the value of {{{name}}} is not of type {kind}") from None


def _whole(value: Any) -> int:
    if isinstance(value, float) and not value.is_integer():
        raise ValueError
    return int(value)


_FITS: Mapping[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("text", "varchar", "bpchar", "name"), text_of),
    **dict.fromkeys(("int2", "int4", "int8"), _whole),
    **dict.fromkeys(("float4", "float8"), float),
    **dict.fromkeys(("json", "jsonb"), json.dumps),
    **dict.fromkeys(("timestamp", "timestamptz"), datetime.fromisoformat),
    "numeric": lambda value: Decimal(str(value)),
    "date": date.fromisoformat,
}
