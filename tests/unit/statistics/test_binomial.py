import math
from itertools import takewhile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta, binom

from andon.statistics.binomial import (
    clean_labels_needed,
    labels_needed,
    log_tail,
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
