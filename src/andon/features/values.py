"""Values that features accept and return: numbers in a window, texts that key one, results of functions."""

import hashlib
import math
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from enum import Enum
from functools import partial
from numbers import Integral, Real
from typing import Any

from andon.features.domain import Row, Value
from andon.features.errors import FeatureFailed

LARGEST = 1e100
"""A larger value does not count in a window: a sum of such values would not fit a double."""

SMALLEST = 1e-100
"""A value nearer to zero counts as zero: PostgreSQL underflows on squaring smaller differences for the spread."""

_LONGEST_KEY = 128
_PLAIN = frozenset({int, bool, type(None)})
_FLOATS = frozenset({float})


def counted(value: Any) -> float | None:
    """Return a field's value as a window counts it; None if it is missing, NaN, not a number, or out of range."""
    if type(value) is float:
        return value if SMALLEST <= value <= LARGEST else _within(value)
    if not isinstance(value, (int, float, Decimal)):
        return None
    try:
        number = float(value)
    except (OverflowError, ValueError):
        return None
    return _within(number)


def _within(number: float) -> float | None:
    if not -LARGEST <= number <= LARGEST:
        return None
    return 0.0 if -SMALLEST < number < SMALLEST else number


def entry_of(value: Any) -> tuple[float, float | str] | None:
    """Return a field's value as a window of any kind takes it: the number to sum (0 for texts) and the value.

    None if it is missing.
    """
    if isinstance(value, (int, float, Decimal)):
        number = counted(value)
        return None if number is None else (number, number)
    text = key_text(value)
    return None if text is None else (0.0, text)


def key_text(value: Any) -> str | None:
    """Return the text that keys a field's tiles; None for a missing value. Odd or long texts become a digest."""
    if type(value) is str and len(value) <= _LONGEST_KEY and value.isprintable():
        return value
    if isinstance(value, Enum):
        value = value.value
    if value is None or value != value:  # only NaN differs from itself
        return None
    text = value.isoformat() if isinstance(value, datetime) else str(value)
    if len(text) <= _LONGEST_KEY and text.isprintable():
        return text
    return f"sha256:{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()}"


def usable(name: str, value: Any) -> Value:
    """Return a builder's function result as a feature; NaN is a missing value. Raises FeatureFailed."""
    if type(value) in _PLAIN:
        return value  # type: ignore[no-any-return]  # its type was just looked up
    if isinstance(value, Enum):
        return usable(name, value.value)
    if isinstance(value, str):
        return _whole(name, str(value))
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, (Real, Decimal)):
        return _finite(name, float(value))
    raise FeatureFailed(f"Feature {name!r}: expected a number, a string, a boolean or None, got {type(value).__name__}")


def _whole(name: str, value: str) -> str:
    """Return a text that can be recorded. Raises FeatureFailed for a lone surrogate."""
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise FeatureFailed(f"Feature {name!r} is a text with half of a surrogate pair: {value!a}") from None
    return value


def _raised(name: str, error: Exception) -> FeatureFailed:
    """Describe what a builder's function raised, in words that can be recorded."""
    said = str(error).encode(errors="replace").decode()
    return FeatureFailed(f"Feature {name!r} raised {type(error).__name__}: {said}")


def _finite(name: str, value: float) -> float | None:
    if math.isinf(value):
        raise FeatureFailed(f"Feature {name!r} is infinite")
    return None if math.isnan(value) else value


def computed_each(name: str, function: Any, rows: Sequence[Row]) -> list[Value | FeatureFailed]:
    """Return the values of a builder's one-input function for a batch, in order. A failure costs only its own row.

    If the function raises for one of them, it is called once more for each row by itself.
    """
    try:
        values = [function(row) for row in rows]
    except Exception:  # noqa: BLE001 - the builder's own function: its errors are recorded with the decision
        return [_computed_alone(name, function, row) for row in rows]
    return _usable_together(name, values)


def _computed_alone(name: str, function: Any, row: Row) -> Value | FeatureFailed:
    try:
        value = function(row)
    except Exception as error:  # noqa: BLE001 - as above
        return _raised(name, error)
    return _usable_or_failed(name, value)


def computed_at(name: str, function: Any, rows: Sequence[Row], at: Sequence[datetime]) -> list[Value | FeatureFailed]:
    """Return the values of a builder's function of one input and the moment of its event, for a batch, in its order."""
    return [
        _computed_alone(name, partial(_with_moment, function, moment), row)
        for row, moment in zip(rows, at, strict=True)
    ]


def _with_moment(function: Any, moment: datetime, row: Row) -> Any:
    return function(row, moment)


def computed_together(name: str, function: Any, rows: Sequence[Row]) -> list[Value | FeatureFailed]:
    """Return the values of a builder's batch function, in order. A failure costs as few rows as possible.

    If the function raises, or does not return one value for each row, it is called for each row alone.
    """
    try:
        values = function(list(rows))
        values = values.tolist() if hasattr(values, "tolist") else list(values)
    except Exception as error:  # noqa: BLE001 - the builder's own function: its errors are recorded with the decision
        failed = _raised(name, error)
    else:
        if len(values) == len(rows):
            return _usable_together(name, values)
        failed = FeatureFailed(f"Feature {name!r}: expected {len(rows)} values, one for each input, got {len(values)}")
    if len(rows) == 1:
        return [failed]
    return [one for row in rows for one in computed_together(name, function, [row])]


def _usable_together(name: str, values: list[Any]) -> list[Value | FeatureFailed]:
    """Those of a batch. Looked at one by one only where they are not all of the plainest kind."""
    kinds = set(map(type, values))
    if kinds <= _PLAIN or (kinds == _FLOATS and math.isfinite(sum(values))):  # one that is not finite is in the sum
        return values
    return [_usable_or_failed(name, value) for value in values]


def _usable_or_failed(name: str, value: Any) -> Value | FeatureFailed:
    if type(value) is float and math.isfinite(value):
        return value
    try:
        return usable(name, value)
    except FeatureFailed as failed:
        return failed
