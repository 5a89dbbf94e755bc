"""Estimates from labels: equal to scipy's for equal weights, and intervals of weighted labels keep their level."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from andon.statistics.intervals import WeightedSums, weighted_mean, weighted_share

VALUES = st.lists(st.floats(-100, 100).map(lambda x: round(x, 3)), min_size=2, max_size=60)


def sums_of(values: list[float], weights: list[float]) -> WeightedSums:
    total = WeightedSums()
    for value, weight in zip(values, weights, strict=True):
        total = total.with_value(weight, value)
    return total


@given(st.integers(1, 400), st.data(), st.floats(1, 50))
def test_with_equal_weights_a_share_has_the_exact_interval(n: int, data: st.DataObject, weight: float) -> None:
    wrong = data.draw(st.integers(0, n))
    found = weighted_share(sums_of([1.0] * wrong + [0.0] * (n - wrong), [weight] * n))
    expected = stats.binomtest(wrong, n).proportion_ci(0.95, method="exact")
    assert (found.mean, found.low, found.high) == pytest.approx((wrong / n, expected.low, expected.high), abs=1e-6)


@given(VALUES, st.floats(1, 50))
def test_with_equal_weights_a_mean_has_the_interval_of_student(values: list[float], weight: float) -> None:
    found = weighted_mean(sums_of(values, [weight] * len(values)))
    error = float(stats.sem(values))
    low, high = (found.mean, found.mean) if error == 0 else stats.t.interval(0.95, len(values) - 1, found.mean, error)
    assert found.mean == pytest.approx(float(np.mean(values)), abs=1e-9)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-3)


@given(VALUES, st.randoms(use_true_random=False))
def test_sums_of_parts_are_the_sums_of_all(values: list[float], random: object) -> None:
    weights = [1 + (n * 7 % 5) for n in range(len(values))]
    whole, half = sums_of(values, weights), len(values) // 2
    parts = sums_of(values[:half], weights[:half]) + sums_of(values[half:], weights[half:])
    assert (parts.n, parts.nonzero) == (whole.n, whole.nonzero)
    assert (parts.mean, parts.variance) == pytest.approx((whole.mean, whole.variance), abs=1e-6)


@pytest.mark.parametrize(("rows", "probability", "error"), [(2000, 0.1, 0.03), (1500, 0.02, 0.03), (1500, 0.02, 0.06)])
def test_intervals_cover_the_error_of_decisions_of_which_few_are_looked_at(
    rows: int, probability: float, error: float
) -> None:
    """At 2%, some twenty audits stand for a thousand decisions: without a seen error they added no variance."""
    rng, covered, runs = np.random.default_rng(33), 0, 300
    for _ in range(runs):
        automatic = rng.random(rows) < 0.7
        wrong = rng.random(rows) < np.where(automatic, error, 0.2)
        chances = np.where(automatic, probability, 1.0)
        seen = rng.random(rows) < chances
        found = weighted_share(sums_of(wrong[seen].astype(float).tolist(), (1 / chances[seen]).tolist()))
        covered += found.low <= wrong.mean() <= found.high
    assert covered / runs >= 0.94
