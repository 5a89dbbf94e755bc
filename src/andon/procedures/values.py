"""Values passed into and out of steps: JSON when stored, the annotated types when used."""

import inspect
import typing
from collections.abc import Callable
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError, to_jsonable_python

_ERROR_LIMIT = 500


def as_given(function: Callable[..., Any], given: Any) -> Any:
    """Return the decision in the type of the function's second parameter. Raises ValidationError."""
    parameter = list(inspect.signature(function).parameters)[1]
    return TypeAdapter(typing.get_type_hints(function).get(parameter, Any)).validate_python(given)


def as_returned(function: Callable[..., Any], value: Any) -> Any:
    """Return a step's result in the annotated type, whether it was computed just now or before a restart."""
    try:
        hint = typing.get_type_hints(function).get("return")
    except (NameError, TypeError):
        return value
    return value if hint is None else TypeAdapter(hint).validate_python(value)


def as_json(value: Any, name: str) -> Any:
    """Return a value as it is stored. Raises TypeError."""
    try:
        return to_jsonable_python(value)
    except PydanticSerializationError as error:
        raise TypeError(f"{name} returned a value that is not JSON: {error}") from None


def words_of(error: BaseException) -> str:
    """Describe an error in one line, without any value that does not fit its place."""
    if isinstance(error, ValidationError):
        faults = error.errors(include_input=False, include_url=False)
        return f"a value does not fit: {', '.join('.'.join(map(str, f['loc'])) or f['type'] for f in faults)}"
    text = " ".join(str(error).split())[:_ERROR_LIMIT]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
