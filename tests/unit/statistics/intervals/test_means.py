"""The interval of a mean: Student's for quiet values, and wide enough for tails that were hardly seen."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from andon.statistics.intervals import mean_interval
from andon.statistics.intervals.means import _unskewed

DRAWS = {
    "normal": (lambda rng, rows: rng.normal(0.0, 1.0, rows), 0.0),
    "exponential": (lambda rng, rows: rng.exponential(1.0, rows), 1.0),
    "lognormal": (lambda rng, rows: rng.lognormal(0.0, 1.5, rows), np.exp(1.125)),
    "heavy lognormal": (lambda rng, rows: rng.lognormal(0.0, 2.5, rows), np.exp(3.125)),
    "infinite variance": (lambda rng, rows: rng.pareto(1.5, rows) + 1.0, 3.0),
    "mostly nothing": (lambda rng, rows: rng.lognormal(0.0, 1.0, rows) * (rng.random(rows) < 0.1), 0.1 * np.exp(0.5)),
}


@given(st.floats(-4, 4), st.floats(-0.3, 0.3))
def test_halls_transformation_is_inverted(quantile: float, step: float) -> None:
    inner = _unskewed(quantile, step)
    assert inner + step * inner**2 / 3 + step**2 * inner**3 / 27 + step / 6 == pytest.approx(quantile, abs=1e-6)


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.9, 0.95, 0.99]))
def test_even_values_have_the_interval_of_student(seed: int, confidence: float) -> None:
    half = np.random.default_rng(seed).uniform(0, 1, 200)
    values = np.concatenate([half, -half])
    expected = stats.t.interval(confidence, len(values) - 1, values.mean(), stats.sem(values))
    assert mean_interval(values, confidence) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("name", DRAWS)
@pytest.mark.parametrize("rows", [200, 1000])
def test_means_are_missed_as_rarely_as_promised_whatever_the_tail(name: str, rows: int) -> None:
    """The approximation alone misses the mean of the heaviest ones in one run of seven."""
    draw, mean = DRAWS[name]
    rng, missed, runs = np.random.default_rng(1), 0, 300
    for _ in range(runs):
        low, high = mean_interval(draw(rng, rows)) or (np.inf, -np.inf)
        missed += not low <= mean <= high
    assert missed / runs <= 0.08


@pytest.mark.parametrize("values", [np.zeros(100), np.full(100, 0.1), np.full(1000, 1e9 / 3)])
def test_values_without_spread_have_no_interval(values: np.ndarray) -> None:
    assert mean_interval(values) is None
