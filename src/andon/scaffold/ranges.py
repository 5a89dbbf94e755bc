"""Ranges: hard bounds for a number, which refuse nonsense, and the range that is expected, which sends to a person.

A hard bound comes from what a number means or is far out. What was seen says only what is expected.
"""

import math

from andon.scaffold import meaning
from andon.scaffold.domain import Column, ColumnKind

FAR = 1000.0
"""A value this many times as large as the largest seen counts as nonsense."""
OLDEST = 150.0
"""Years that nobody reaches."""

_HEAVY = 10.0
"""A largest value of this many medians is in a heavy tail, whose next value may be as many times larger."""
_NEAR_ENDS = 0.05


def bounds(column: Column) -> tuple[float | None, float | None]:
    """Return the lower and upper bound of values that a caller may send.

    A bound is None if there is none or if it is beyond all floats.
    """
    low, high = column.low, column.high
    if low is None or high is None:
        return None, None
    if _is_share(column, low, high):
        return 0.0, 1.0
    far = outwards(FAR * max(abs(low), abs(high), 1.0), digits=1)
    if meaning.is_age(column.name) and low >= 0 and high <= OLDEST:
        return 0.0, OLDEST
    floor = 0.0 if low == 0 or (low > 0 and meaning.is_never_negative(column.name)) else None
    return (floor if floor is not None else None if far is None else -far), far


def expected(column: Column) -> tuple[float | None, float | None]:
    """Return the range of expected values: the observed span again on each side, more for a heavy tail.

    What was never negative is expected to stay so. A side that `bounds` holds already is None.
    """
    low, high = column.low, column.high
    if low is None or high is None:
        return None, None
    room = high - low or abs(high)
    lower = 0.0 if low >= 0 else outwards(low - room)
    heavy = high > 0 and high > _HEAVY * max(column.median or 0.0, 0.0)
    upper = 0.0 if high <= 0 and low < 0 else outwards(_HEAVY * high if heavy else high + room)
    least, most = bounds(column)
    within = (
        lower is not None and (least is None or least < lower),
        upper is not None and (most is None or upper < most),
    )
    return lower if within[0] else None, upper if within[1] else None


def _is_share(column: Column, low: float, high: float) -> bool:
    if low < 0 or high > 1 or column.kind is not ColumnKind.NUMBER:
        return False
    return meaning.is_share(column.name) or (low <= _NEAR_ENDS and high >= 1 - _NEAR_ENDS)


def outwards(value: float, digits: int = 2) -> float | None:
    """Return the value rounded away from zero to this many digits; None beyond all floats."""
    size = 10.0 ** (math.floor(math.log10(abs(value))) - digits + 1) if value and math.isfinite(value) else 0.0
    if size == 0.0:
        return 0.0 if value == 0 else None
    rounded = float(f"{math.copysign(math.ceil(abs(value) / size) * size, value):.{digits - 1}e}")
    return rounded if math.isfinite(rounded) and abs(rounded) >= abs(value) else None
