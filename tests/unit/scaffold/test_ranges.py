"""Ranges hold what was seen, with room, and keep signs and shares."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andon.scaffold.ranges import bounds


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.5, 340.0, (0.0, 700.0)),
        (0.0, 1.0, (0.0, 1.0)),
        (0.2, 0.7, (0.0, 1.0)),
        (-20.0, 35.0, (-80.0, 90.0)),
        (-9.0, -1.0, (-20.0, 0.0)),
        (18.0, 94.0, (0.0, 200.0)),
        (5.0, 5.0, (0.0, 10.0)),
    ],
)
def test_bounds_leave_room_on_both_sides(low: float, high: float, expected: tuple[float, float]) -> None:
    assert bounds(low, high) == expected


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(allow_nan=False, allow_infinity=False))
def test_bounds_hold_what_was_seen(one: float, other: float) -> None:
    low, high = sorted((one, other))
    lower, upper = bounds(low, high)
    assert lower is None or lower <= low
    assert upper is None or upper >= high
    assert low < 0 or lower == 0.0
