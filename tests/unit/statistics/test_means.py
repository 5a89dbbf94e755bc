"""Means of measures: moments, and windows out of the ordinary."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from andon.statistics.means import Moments, compare_means

VALUES = arrays(np.float64, st.integers(0, 30), elements=st.floats(-1e6, 1e6))


@given(VALUES, VALUES)
def test_moments_added_are_those_of_all_values(one: np.ndarray, other: np.ndarray) -> None:
    found, every = Moments.of(one) + Moments.of(other), np.concatenate((one, other))
    assert found.count == len(every)
    if len(every):
        assert found.mean == pytest.approx(every.mean(), rel=1e-9, abs=1e-6)
    if len(every) > 1:
        assert found.deviation == pytest.approx(every.std(ddof=1), rel=1e-6, abs=1e-4)


def test_values_that_are_not_finite_are_left_out() -> None:
    assert Moments.of(np.array([1.0, np.nan, np.inf, 3.0])) == Moments.of(np.array([1.0, 3.0]))


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_a_window_is_judged_by_a_prediction_interval_of_means_that_wander(seed: int) -> None:
    rng = np.random.default_rng(seed)
    drawn = [Moments.of(rng.normal(rng.normal(0, 3), 1, 50)) for _ in range(11)]
    found = compare_means(drawn[:-1], drawn[-1])
    means = np.array([one.mean for one in drawn[:-1]])
    assert found is not None
    apart = (drawn[-1].mean - means.mean()) / (means.std(ddof=1) * np.sqrt(1 + 1 / 10))
    assert found.p_value == pytest.approx(2 * stats.t.sf(abs(apart), 9), rel=1e-6)
    assert (found.p_value < 0.05) == (not found.low <= found.observed <= found.high)


@pytest.mark.parametrize(("current", "p_value"), [(5.0, 1.0), (6.0, 1 / 81)])
def test_a_constant_measure_is_changed_only_by_another_value(current: float, p_value: float) -> None:
    found = compare_means([Moments.of(np.full(10, 5.0))] * 8, Moments.of(np.full(3, current)))
    assert found is not None
    assert found.p_value == pytest.approx(p_value)


@pytest.mark.parametrize(
    ("reference", "current"),
    [([], 5), ([Moments(10, 1.0, 1.0)] * 7, 5), ([Moments()] * 20, 5), ([Moments(10, 1.0, 1.0)] * 20, 0)],
    ids=["none", "too few", "empty windows", "empty window"],
)
def test_without_windows_to_compare_with_nothing_is_judged(reference: list[Moments], current: int) -> None:
    assert compare_means(reference, Moments.of(np.ones(current))) is None
