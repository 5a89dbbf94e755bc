"""Intervals of shares and of their differences, held to scipy and to every outcome that can occur."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta, binom, binomtest

from andon.statistics.intervals import (
    Stratum,
    difference_interval,
    lower_bound,
    share_interval,
    stratified_share,
    upper_bound,
    wilson,
)

COUNTS = st.integers(1, 5000).flatmap(lambda rows: st.tuples(st.integers(0, rows), st.just(rows)))
SMALL = st.integers(1, 300).flatmap(lambda rows: st.tuples(st.integers(0, rows), st.just(rows)))


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
@given(COUNTS, st.floats(0.5, 0.999))
def test_the_interval_of_a_share_is_that_of_scipy(counts: tuple[int, int], confidence: float) -> None:
    some, rows = counts
    expected = binomtest(some, rows).proportion_ci(confidence, method="exact")
    assert share_interval(some, rows, confidence) == pytest.approx((expected.low, expected.high), rel=1e-6, abs=1e-9)
    assert share_interval(0, 0) == (0.0, 1.0)


@settings(deadline=None)
@given(COUNTS, st.sampled_from([0.9, 0.95, 0.99]))
def test_wilsons_interval_is_scipys(counts: tuple[int, int], confidence: float) -> None:
    some, total = counts
    wanted = binomtest(some, total).proportion_ci(confidence, method="wilson")
    assert wilson(some, total, confidence) == pytest.approx((wanted.low, wanted.high), abs=1e-9)
    assert wilson(0, 0) == (0.0, 1.0)


@settings(deadline=None, max_examples=40)
@given(SMALL, SMALL, st.sampled_from([0.05, 1e-4]))
def test_a_difference_lies_in_its_interval_and_its_mirror_image_in_the_mirrored_one(
    first: tuple[int, int], second: tuple[int, int], level: float
) -> None:
    low, high = difference_interval(first, second, level)
    assert -1 <= low <= first[0] / first[1] - second[0] / second[1] <= high <= 1
    assert difference_interval(second, first, level) == pytest.approx((-high, -low))
    assert difference_interval(first, second, level / 10)[0] <= low


def test_without_cases_a_difference_may_be_any() -> None:
    assert difference_interval((0, 0), (1, 2), 0.05) == (-1.0, 1.0)


@settings(deadline=None, max_examples=30)
@given(SMALL, SMALL, st.sampled_from([0.05, 1e-4]))
def test_a_bound_of_a_difference_is_that_of_a_search_over_both_shares(
    first: tuple[int, int], second: tuple[int, int], level: float
) -> None:
    """Fisher's rule in his own words: twice the sum of minus logarithms is at most chi-squared with four degrees."""
    from scipy.stats import chi2

    low, _ = difference_interval(first, second, level)
    shares = np.linspace(0, 1, 400)
    with np.errstate(divide="ignore"):
        as_many = binom.logsf(first[0] - 1, first[1], shares)[:, np.newaxis]
        as_few = binom.logcdf(second[0], second[1], shares)[np.newaxis]
    kept = chi2.sf(-2 * (as_many + as_few), 4) > level / 2
    differences = (shares[:, np.newaxis] - shares[np.newaxis])[kept]
    assert low <= differences.min() + 1e-3
    assert low >= differences.min() - 2 / 399 - 1e-3


@pytest.mark.parametrize(("one", "other"), [(0.12, 0.02), (0.02, 0.02), (0.3, 0.3)])
@pytest.mark.parametrize(("few", "many"), [(60, 2940), (150, 2850)])
def test_a_difference_is_missed_at_most_at_its_level_far_in_the_tails(
    few: int, many: int, one: float, other: float
) -> None:
    """All counts of the small group are tried. Newcombe's interval missed up to sixteen times as often as this."""
    level = 0.05 / 90 / 6
    counts = [count for count in range(few + 1) if binom.pmf(count, few, one) > 1e-9]
    missed = []
    for rest in binom.ppf((0.1, 0.5, 0.9), many, other).tolist():
        apart = {count: difference_interval((count, few), (rest, many), level) for count in counts}
        outside = [count for count, (low, high) in apart.items() if not low <= one - other <= high]
        missed.append(binom.pmf(outside, few, one).sum())
    assert np.mean(missed) <= level


def test_a_difference_is_hardly_wider_than_the_approximation_where_that_is_right() -> None:
    level = 0.05 / 90 / 6
    low, high = difference_interval((1000, 2000), (900, 2000), level)
    half = 3.91 * np.sqrt(0.5 * 0.5 / 2000 + 0.45 * 0.55 / 2000)
    assert high - low < 1.1 * 2 * half


@given(COUNTS)
def test_one_stratum_is_worth_its_cases(counts: tuple[int, int]) -> None:
    some, rows = counts
    share, worth = stratified_share([Stratum(1.0, some / rows, rows)], parts_known=True)
    assert (share, worth) == pytest.approx((some / rows, rows))


def test_a_stratum_without_an_error_still_says_how_little_it_knows() -> None:
    """Twenty automatic decisions that stand for nine in ten were all right: that is no error of zero."""
    few, many = Stratum(0.9, 0.0, 20), Stratum(0.1, 0.2, 500)
    share, worth = stratified_share([few, many], parts_known=True)
    assert share == pytest.approx(0.02)
    assert beta.ppf(0.975, share * worth + 1, worth - share * worth) > 0.9 * 0.1
    assert stratified_share([], parts_known=True) == (0, 0.0)
