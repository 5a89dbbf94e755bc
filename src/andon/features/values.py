"""Values that features may take in and give out: what counts in a window, what names a key, what a function may return."""

import hashlib
import math
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import Enum
from numbers import Integral, Real
from typing import Any

from andon.features.domain import Value
from andon.features.errors import FeatureFailed

LARGEST = 1e100
"""A larger value does not count in a window: a sum of such values would not fit a double."""

_LONGEST_KEY = 128
_PLAIN = frozenset({int, str, bool, type(None)})


def counted(value: Any) -> float | None:
    """A field's value as a window counts it; None when it does not: missing, NaN, no number, or beyond all measure."""
    if type(value) is float:
        return value if -LARGEST <= value <= LARGEST else None
    if not isinstance(value, (int, float, Decimal)):
        return None
    try:
        number = float(value)
    except (OverflowError, ValueError):
        return None
    return number if -LARGEST <= number <= LARGEST else None


def key_text(value: Any) -> str | None:
    """The text under which a field's value has its tiles; None for a missing value. Odd or long texts become a digest."""
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
    """What a builder's function returned, as a feature; NaN is a missing value. Raises FeatureFailed."""
    if type(value) in _PLAIN:
        return value  # type: ignore[no-any-return]  # its type was just looked up
    if isinstance(value, Enum):
        return usable(name, value.value)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, (Real, Decimal)):
        return _finite(name, float(value))
    raise FeatureFailed(f"Feature {name!r}: expected a number, a string, a boolean or None, got {type(value).__name__}")


def _finite(name: str, value: float) -> float | None:
    if math.isinf(value):
        raise FeatureFailed(f"Feature {name!r} is infinite")
    return None if math.isnan(value) else value


def computed(name: str, function: Any, row: Mapping[str, Any]) -> Value:
    """The value of a builder's function for one input. Raises FeatureFailed for whatever goes wrong in it."""
    try:
        value = function(row)
    except Exception as error:
        raise FeatureFailed(f"Feature {name!r} raised {type(error).__name__}: {error}") from error
    if type(value) is float and math.isfinite(value):
        return value
    return usable(name, value)
