"""Intervals of rates and medians, held to scipy and to all that can happen."""

from itertools import product
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2, poisson, quantile_test

from andon.statistics.intervals import median_interval, median_of, rate_interval

VALUES = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=120, unique=True)


@given(st.integers(0, 3000), st.floats(0.01, 1000), st.floats(0.5, 0.999))
def test_the_bounds_of_a_rate_are_those_by_chi_square(count: int, exposure: float, confidence: float) -> None:
    low, high = rate_interval(count, exposure, confidence)
    tail = (1 - confidence) / 2
    expected = chi2.ppf(tail, 2 * count) / 2 if count else 0.0
    assert low * exposure == pytest.approx(expected, rel=1e-6)
    assert high * exposure == pytest.approx(chi2.isf(tail, 2 * count + 2) / 2, rel=1e-6)


@pytest.mark.parametrize("rate", [0.4, 3.0, 25.0])
def test_the_interval_covers_the_true_rate_at_least_as_often_as_it_promises(rate: float) -> None:
    covered = sum(
        poisson.pmf(count, rate)
        for count in range(200)
        if (bounds := rate_interval(count, 1.0))[0] <= rate <= bounds[1]
    )
    assert covered >= 0.95


@given(VALUES, st.sampled_from([0.9, 0.95, 0.99]))
def test_the_bounds_of_a_median_are_those_of_scipy(values: list[float], confidence: float) -> None:
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
