from itertools import product
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import quantile_test

from andon.statistics.medians import median_interval, median_of

VALUES = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=120, unique=True)


@given(VALUES, st.sampled_from([0.9, 0.95, 0.99]))
def test_the_bounds_are_those_of_scipy(values: list[float], confidence: float) -> None:
    expected = quantile_test(values, q=0, p=0.5).confidence_interval(confidence)
    found = median_interval(values, confidence)
    if found is None:
        assert expected.low != expected.low or expected.high != expected.high  # one of them is not a number
    else:
        assert found == (expected.low, expected.high)


def test_five_values_have_no_interval_and_six_have_all_of_them() -> None:
    assert median_interval([1, 2, 3, 4, 5]) is None
    assert median_interval([3, 1, 2, 6, 5, 4]) == (1, 6)


@pytest.mark.parametrize("count", [6, 9, 10])
def test_the_interval_covers_the_median_at_least_as_often_as_it_promises(count: int) -> None:
    """Each value lies below the true median, 0, or above it with equal odds: all cases are tried."""
    missed = 0
    for sides in product((-1, 1), repeat=count):
        bounds = median_interval([side * (place + 1.0) for place, side in enumerate(sides)])
        assert bounds is not None
        missed += not bounds[0] <= 0 <= bounds[1]
    assert missed / 2**count <= 0.05


@given(VALUES)
def test_the_median_is_that_of_the_standard_library(values: list[float]) -> None:
    assert median_of(values) == median(values)
    assert median_of([]) is None
