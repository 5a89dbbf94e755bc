import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from andon.statistics.betting import SHARES, STAKES, log_growth, log_wealth, rates_for, upper_bounds

TARGETS = st.floats(0.001, 0.5)
LABELS = st.lists(st.tuples(st.floats(0, 1), st.floats(0.01, 1)), max_size=60)


def naive_wealth(target: float, labels: list[tuple[float, float]]) -> float:
    """One rate at a time, one label at a time: wealth as it is defined."""
    whole = 0.0
    for share, stake in zip(SHARES, STAKES, strict=True):
        wealth = stake
        for loss, weight in labels:
            wealth *= 1 + (1 - share) / (1 - target) * weight * (target - loss)
        whole += wealth
    return whole


@settings(deadline=None)
@given(TARGETS, LABELS)
def test_wealth_is_the_product_of_its_bets(target: float, labels: list[tuple[float, float]]) -> None:
    losses, weights = (np.array([label[at] for label in labels], float) for at in (0, 1))
    found = log_wealth(log_growth(target, losses, weights).sum(axis=0))
    assert np.exp(found) == pytest.approx(naive_wealth(target, labels), rel=1e-9)


@settings(deadline=None)
@given(TARGETS, st.integers(1, 3000), st.data())
def test_without_weights_wealth_is_a_mean_of_likelihood_ratios(target: float, rows: int, data: st.DataObject) -> None:
    errors = data.draw(st.integers(0, rows))
    growth = log_growth(target, np.array([0.0, 1.0]), np.ones(2))
    found = log_wealth(np.array([rows - errors, errors]) @ growth)
    ratios = binom.logpmf(errors, rows, SHARES * target) - binom.logpmf(errors, rows, target)
    assert found == pytest.approx(np.logaddexp.reduce(ratios + np.log(STAKES)), rel=1e-6, abs=1e-6)


@settings(deadline=None)
@given(TARGETS, st.floats(0, 1), st.floats(0, 1), st.floats(0.05, 0.95), st.floats(0.01, 1))
def test_one_label_adds_nothing_on_average_while_the_loss_is_at_the_target(
    target: float, low: float, high: float, inside: float, floor: float
) -> None:
    """Two kinds of decisions with different losses and propensities, whose mean loss is the target exactly."""
    if not low < target < high:
        return
    share = (high - target) / (high - low)
    kinds = ((share, low, floor), (1 - share, high, floor + inside * (1 - floor)))
    mean = 0.0
    for part, loss, propensity in kinds:
        label = log_growth(target, np.array([loss]), np.array([floor / propensity]))[0]
        mean += part * (propensity * float(np.exp(log_wealth(label))) + 1 - propensity)
    assert mean == pytest.approx(1.0, rel=1e-9)


@settings(deadline=None)
@given(st.integers(1, 2000), st.data(), st.floats(0.001, 0.2))
def test_the_upper_bound_is_where_the_wealth_is_enough(rows: int, data: st.DataObject, level: float) -> None:
    errors = data.draw(st.integers(0, rows // 3))
    counts, losses, weights = np.array([[rows - errors, errors]], float), np.array([0.0, 1.0]), np.ones(2)
    (bound,) = upper_bounds(counts, losses, weights, level)
    if bound == 1.0:
        return
    labels = [(0.0, 1.0)] * (rows - errors) + [(1.0, 1.0)] * errors
    assert bound > errors / rows
    assert naive_wealth(bound + 1e-4, labels) >= (1 - 1e-6) / level
    assert naive_wealth(max(bound - 1e-4, 1e-9), labels) < (1 + 1e-6) / level


def test_the_rates_keep_wealth_above_nothing() -> None:
    assert (rates_for(0.01) * (1 - 0.01) < 1).all()
    assert STAKES.sum() == pytest.approx(1.0)
