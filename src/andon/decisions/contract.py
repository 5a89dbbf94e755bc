"""Reading an input against an automation's contract: strict JSON in, a flat mapping of plain values out.

It is stricter than Pydantic's defaults where a ledger must be: no NaN or infinity, no NUL character, nothing that
another JSON parser would refuse.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from math import isinf
from types import NoneType, UnionType
from typing import Any, Literal, NoReturn, Union, get_args, get_origin
from uuid import UUID

from pydantic import BaseModel, ConfigDict, ValidationError

from andon.decisions.errors import InputInvalid, InputMalformed
from andon.kernel.errors import Fault
from andon.kernel.plurals import plural

_SHAPE = bytes.maketrans(b"123456789E", b"000000000e")
_LONG, _HIGH = b"0" * 300, b"0e000"
"""Patterns of numbers, with all digits replaced by zeros, that may be infinite as a float.

They are 300 digits, or an exponent of three digits.
"""

_PLAIN = frozenset((str, int, float, bool, type(None), datetime))
_N, _I, _BACKSLASH = b"NI\\"
"""The first characters of "NaN", "Infinity" and "\\u0000", as numbers.

Looking for a number in bytes takes a fifth of the time of looking for bytes.
"""


class Contract:
    """A builder's Pydantic model, compiled to read inputs. Thread-safe."""

    def __init__(self, model: type[BaseModel]) -> None:
        self.model = model
        strict: type[BaseModel] = type(
            model.__name__, (model,), {"model_config": ConfigDict(allow_inf_nan=False), "__module__": model.__module__}
        )
        self._read = strict.__pydantic_validator__
        self._closed = _is_closed(model)
        self._plain = self._closed and not _has_own_code(strict.__pydantic_core_schema__)

    def read(self, raw: bytes) -> Mapping[str, Any]:
        """Return the input in `raw`. Raises InputMalformed (not JSON) or InputInvalid, which names each wrong field."""
        # The text may hold something that JSON or PostgreSQL cannot. Search for one letter first: searching for a word
        # costs much more.
        if (
            (_N in raw and b"NaN" in raw)
            or (_I in raw and b"Infinity" in raw)
            or (_BACKSLASH in raw and b"\\u0000" in raw)
        ):
            _refuse_what_json_cannot_hold(raw)
        try:
            instance = self._read.validate_json(raw)
        except ValidationError as error:
            raise _explained(error) from None
        if not self._closed and _is_too_large(raw):  # perhaps in a field that the contract lacks
            _refuse_what_json_cannot_hold(raw)
        values: dict[str, Any] = instance.__dict__
        if self._plain or _PLAIN.issuperset(map(type, values.values())):
            return values
        return {name: _plain(v) for name, v in instance.model_dump().items()}

    def schema(self) -> dict[str, Any]:
        """Return the contract as JSON Schema."""
        return self.model.model_json_schema()


def _is_closed(model: type[BaseModel]) -> bool:
    """Return whether Pydantic checks every value: no extra fields, and all of them plain and finite."""
    if model.model_config.get("extra") != "forbid":
        return False
    return all(_is_plain_and_finite(field.annotation) for field in model.model_fields.values())


def _has_own_code(schema: Any) -> bool:
    """Return whether values that are not plain may get into an input.

    They can come from the builder's own code, or from a default that Pydantic does not check.
    """
    if isinstance(schema, list | tuple):
        return any(map(_has_own_code, schema))
    if not isinstance(schema, dict):
        return False
    if type(schema.get("default")) not in _PLAIN or any(
        map(schema.get, ("default_factory", "post_init", "custom_init"))
    ):
        return True
    return str(schema.get("type")).startswith("function") or any(map(_has_own_code, schema.values()))


def _is_plain_and_finite(annotation: Any) -> bool:
    if get_origin(annotation) is Literal:
        return all(isinstance(choice, str) for choice in get_args(annotation))
    if get_origin(annotation) in (Union, UnionType):
        return all(_is_plain_and_finite(choice) for choice in get_args(annotation))
    return annotation in (float, str, bool, datetime, NoneType)


def _is_too_large(raw: bytes) -> bool:
    """Return whether a number in this text may be infinite as a float."""
    shape = raw.translate(_SHAPE, b"+")
    return _HIGH in shape or _LONG in shape


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime.combine(value, time())
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, dict):
        return {key: _plain(v) for key, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(v) for v in value]
    return value


def _explained(error: ValidationError) -> InputMalformed | InputInvalid:
    errors = error.errors(include_input=False, include_url=False, include_context=False)
    if errors[0]["type"] == "json_invalid":
        return InputMalformed(errors[0]["msg"])
    faults = [Fault(".".join(("input", *map(str, e["loc"]))), e["msg"]) for e in errors]
    does = "does" if len(faults) == 1 else "do"
    return InputInvalid(f"{plural(len(faults), 'field')} {does} not match the contract", faults=faults)


def _refuse_what_json_cannot_hold(raw: bytes) -> None:
    def refuse(constant: str) -> NoReturn:
        raise InputMalformed(f"Invalid JSON: {constant} is not a JSON number")

    def finite(number: str) -> float:
        if isinf(value := float(number)):
            raise InputMalformed("Invalid JSON: a number is too large to store")
        return value

    try:
        parsed = json.loads(raw, parse_constant=refuse, parse_float=finite)
        holds_nul = any("\0" in text for text in _texts(parsed))
    except (ValueError, RecursionError) as error:
        raise InputMalformed(f"Invalid JSON: {error}") from None
    if holds_nul:
        raise InputMalformed("The input holds a NUL character, which cannot be stored")


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
