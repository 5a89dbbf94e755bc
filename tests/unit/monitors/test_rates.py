"""Rates beside scipy, and what a test of a share must never do."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from andon.monitors.rates import difference_interval, interval, lower_tail, upper_tail

numbers = st.integers(1, 2000)
shares = st.floats(0.001, 0.999)


@given(numbers, shares, st.floats(0, 1))
def test_the_tail_bounds_that_of_the_binomial_and_has_its_exponent(among: int, share: float, part: float) -> None:
    count = round(among * part)
    exact = float(stats.binom.sf(count - 1, among, share))
    bound = upper_tail(count, among, share)
    assert exact <= bound * (1 + 1e-9) + 1e-300
    if count > among * share:
        entropy = stats.entropy([count / among, 1 - count / among], [share, 1 - share])
        assert bound == pytest.approx(np.exp(-among * entropy), rel=1e-6, abs=1e-300)


@given(numbers, shares, st.floats(0, 1))
def test_the_lower_tail_mirrors_the_upper_one(among: int, share: float, part: float) -> None:
    count = round(among * part)
    assert float(stats.binom.cdf(count, among, share)) <= lower_tail(count, among, share) * (1 + 1e-9) + 1e-300


@given(st.lists(shares, min_size=2, max_size=60), st.integers(0, 2**31))
@settings(max_examples=40)
def test_the_bound_holds_for_hits_of_different_probabilities(probabilities: list[float], seed: int) -> None:
    rng = np.random.default_rng(seed)
    drawn = (rng.random((4000, len(probabilities))) < np.array(probabilities)).sum(axis=1)
    count = int(np.quantile(drawn, 0.95))
    found = float((drawn >= count).mean())
    assert found <= upper_tail(count, len(probabilities), float(np.mean(probabilities))) + 0.03


@given(numbers, st.floats(0, 1))
def test_the_interval_is_that_of_wilson(among: int, part: float) -> None:
    count = round(among * part)
    theirs = stats.binomtest(count, among).proportion_ci(0.95, method="wilson")
    assert interval(count, among) == pytest.approx((theirs.low, theirs.high), abs=1e-7)


@given(numbers, numbers, st.floats(0, 1), st.floats(0, 1))
def test_the_interval_of_a_difference_holds_the_difference(n: int, m: int, one: float, other: float) -> None:
    k, j = round(n * one), round(m * other)
    low, high = difference_interval(k, n, j, m, 1.96)
    assert -1 - 1e-9 <= low <= k / n - j / m <= high <= 1 + 1e-9


def test_the_interval_of_a_difference_is_that_of_the_paper() -> None:
    """Newcombe 1998, table II, method 10: 56/70 less 48/80, and 9/10 less 3/10."""
    assert difference_interval(56, 70, 48, 80, 1.959964) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    assert difference_interval(9, 10, 3, 10, 1.959964) == pytest.approx((0.1705, 0.8090), abs=5e-5)


def test_nothing_at_all_breaks_no_test() -> None:
    assert upper_tail(0, 0, 0.5) == 1.0
    assert interval(0, 0) == (0.0, 1.0)
    assert difference_interval(0, 0, 1, 2, 2.0) == (-1.0, 1.0)
