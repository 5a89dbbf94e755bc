import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2, poisson

from andon.statistics.poisson import rate_interval


@given(st.integers(0, 3000), st.floats(0.01, 1000), st.floats(0.5, 0.999))
def test_the_bounds_are_those_by_chi_square(count: int, exposure: float, confidence: float) -> None:
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
