import math
from itertools import takewhile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta, binom, binomtest

from andon.statistics.binomial import (
    clean_labels_needed,
    days_needed,
    labels_needed,
    log_tail,
    lower_bound,
    share_interval,
    upper_bound,
    upper_bound_holds,
)

COUNTS = st.integers(1, 5000).flatmap(lambda rows: st.tuples(st.integers(0, rows), st.just(rows)))


@settings(deadline=None)
@given(COUNTS, st.floats(0.001, 0.4), st.floats(0.001, 0.3))
def test_a_target_holds_exactly_where_the_clopper_pearson_bound_is_below_it(
    counts: tuple[int, int], target: float, level: float
) -> None:
    errors, rows = counts
    upper = 1.0 if errors == rows else beta.ppf(1 - level, errors + 1, rows - errors)
    if math.isclose(upper, target, rel_tol=1e-6):
        return
    assert upper_bound_holds(errors, rows, target, level) == (upper <= target)


@settings(deadline=None)
@given(COUNTS, st.floats(0.5, 0.999))
def test_both_bounds_leave_the_level_in_their_tail(counts: tuple[int, int], confidence: float) -> None:
    errors, rows = counts
    if errors < rows:
        assert binom.cdf(errors, rows, upper_bound(errors, rows, confidence)) == pytest.approx(1 - confidence, rel=1e-4)
    else:
        assert upper_bound(errors, rows, confidence) == 1.0
    if errors > 0:
        assert binom.sf(errors - 1, rows, lower_bound(errors, rows, confidence)) == pytest.approx(
            1 - confidence, rel=1e-4
        )
    else:
        assert lower_bound(errors, rows, confidence) == 0.0


@settings(deadline=None)
@given(COUNTS, st.floats(0.0005, 0.5))
def test_the_tail_is_that_of_scipy(counts: tuple[int, int], rate: float) -> None:
    expected = binom.logcdf(*counts, rate)
    if expected > -600:  # beyond, scipy's is the logarithm of zero
        assert log_tail(*counts, rate) == pytest.approx(expected, rel=1e-6, abs=1e-9)


def test_a_target_of_one_percent_takes_299_clean_labels() -> None:
    assert clean_labels_needed(0.01, 0.95) == 299
    assert labels_needed(0.01, 0.95, 0.0) == 299


@pytest.mark.parametrize("error", [0.01, 0.02, 0.03])
@pytest.mark.parametrize("power", [0.5, 0.8])
def test_labels_needed_are_the_fewest_that_try_all_numbers(error: float, power: float) -> None:
    def chance(rows: int) -> float:
        allowed = list(takewhile(lambda errors: upper_bound_holds(errors, rows, 0.05, 0.05), range(rows)))
        return float(binom.cdf(allowed[-1], rows, error)) if allowed else 0.0

    needed = labels_needed(0.05, 0.95, error, power)
    assert needed is not None
    assert chance(needed) >= power
    assert all(chance(rows) < power for rows in range(max(1, needed - 120), needed))


def test_no_number_of_labels_proves_what_is_not_so() -> None:
    assert labels_needed(0.01, 0.95, 0.01) is None
    assert labels_needed(0.01, 0.95, 0.02) is None


def test_more_labels_are_needed_the_nearer_the_error_is() -> None:
    needed = [labels_needed(0.01, 0.95, error) for error in np.arange(0.0, 0.0095, 0.0005)]
    assert needed == sorted(needed, key=lambda one: one or math.inf)


def test_days_follow_from_what_is_looked_at() -> None:
    assert days_needed(299, 1_000, 0.8, 0.05) == pytest.approx(299 / 40)
    assert days_needed(0, 0, 0.8, 0.05) == 0
    assert days_needed(299, 1_000, 0.8, 0.0) is None
    assert days_needed(None, 1_000, 0.8, 0.05) is None


@settings(deadline=None)
@given(COUNTS, st.floats(0.5, 0.999))
def test_the_interval_of_a_share_is_that_of_scipy(counts: tuple[int, int], confidence: float) -> None:
    some, rows = counts
    expected = binomtest(some, rows).proportion_ci(confidence, method="exact")
    assert share_interval(some, rows, confidence) == pytest.approx((expected.low, expected.high), rel=1e-6, abs=1e-9)
    assert share_interval(0, 0) == (0.0, 1.0)
