"""Ranges: bounds for a number that catch nonsense, not drift, so they are far wider than what was seen."""

import math


def bounds(low: float, high: float) -> tuple[float | None, float | None]:
    """Lower and upper bound for values seen from `low` to `high`, rounded outwards to one digit.

    What was never negative stays at least 0, a share stays within 0 and 1, and else there is as much room again as was
    used on each side. A bound beyond all floats is None.
    """
    if low >= 0 and high <= 1:
        return 0.0, 1.0
    room = high - low or abs(high)
    lower = 0.0 if low >= 0 else _outwards(low - room)
    upper = 0.0 if high <= 0 else _outwards(high + room)
    return lower, upper


def _outwards(value: float) -> float | None:
    size = 10.0 ** math.floor(math.log10(abs(value))) if math.isfinite(value) else 0.0
    if size == 0.0:
        return None
    rounded = math.copysign(math.ceil(abs(value) / size) * size, value)
    return rounded if math.isfinite(rounded) and abs(rounded) >= abs(value) else None
