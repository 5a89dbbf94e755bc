"""Bounds refuse nonsense only; what is expected holds what was seen, with room."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andon.scaffold import Column, ColumnKind
from andon.scaffold.ranges import bounds, expected


def number(name: str, low: float, high: float, median: float | None = None, *, whole: bool = False) -> Column:
    middle = (low + high) / 2 if median is None else median
    kind = ColumnKind.INTEGER if whole else ColumnKind.NUMBER
    return Column(name, name, kind, "c0", number="c0", low=low, high=high, median=middle)


@pytest.mark.parametrize(
    ("column", "hard", "soft"),
    [
        (number("payment", 1, 120, 60, whole=True), (0, 200_000), (None, 240)),
        (number("payment", 1, 9000, 60), (0, 9e6), (None, 90_000)),
        (number("x", 5, 35), (-40_000, 40_000), (0, 65)),
        (number("x", 0, 35), (0, 40_000), (None, 70)),
        (number("temperature", 5, 35), (-40_000, 40_000), (0, 65)),
        (number("x", -20, 35), (-40_000, 40_000), (-75, 90)),
        (number("x", -9, -1), (-9000, 9000), (-17, 0)),
        (number("x", 0, 1), (0, 1), (None, None)),
        (number("share", 0.2, 0.7), (0, 1), (None, None)),
        (number("x", 0.2, 0.7), (-1000, 1000), (0, 1.2)),
        (number("age", 18, 94, whole=True), (0, 150), (None, None)),
        (number("age", 18, 40, whole=True), (0, 150), (None, 62)),
    ],
)
def test_a_bound_comes_from_meaning_or_is_far_out(
    column: Column, hard: tuple[float, float], soft: tuple[float | None, float | None]
) -> None:
    assert bounds(column) == hard
    assert expected(column) == soft


@given(
    st.floats(allow_nan=False, allow_infinity=False),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(("x", "amount", "share", "age")),
)
def test_both_hold_what_was_seen(one: float, other: float, name: str) -> None:
    low, high = sorted((one, other))
    column = number(name, low, high, low)
    for lower, upper in (bounds(column), expected(column)):
        assert lower is None or lower <= low
        assert upper is None or upper >= high
