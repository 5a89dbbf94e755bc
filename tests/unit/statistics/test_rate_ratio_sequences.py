"""Intervals of rate ratios: compared with scipy's binomial likelihoods, their symmetry, and their level."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from andon.statistics.rate_ratio_sequences import (
    RATIOS,
    WEIGHTS,
    WIDEST,
    coarse_test,
    likeliest_ratio,
    ratio_interval,
    ratio_test,
)
from andon.statistics.rate_ratios import chance_of

ALPHAS = st.floats(0.005, 0.2)
FOLDS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60), st.floats(0.02, 0.98)), max_size=6)


def folded(folds: list[tuple[int, int, float]], alpha: float = 0.05) -> list[float]:
    test = ratio_test(alpha)
    state = test.start()
    for first, second, share in folds:
        state = test.fold(state, first, second, share)
    return state


@settings(deadline=None, max_examples=40)
@given(FOLDS, ALPHAS)
def test_the_interval_holds_what_the_likelihoods_of_scipy_do_not_rule_out(
    folds: list[tuple[int, int, float]], alpha: float
) -> None:
    ratios = np.array(RATIOS)
    likelihoods = np.zeros(len(ratios))
    for k, n, share in folds:
        likelihoods += binom.logpmf(k, k + n, ratios * share / (ratios * share + 1 - share))
    mean = np.logaddexp.reduce(likelihoods + np.log(WEIGHTS))
    held = [ratio for ratio, one in zip(RATIOS, likelihoods, strict=True) if one > mean + math.log(alpha) + 1e-9]
    low, high = ratio_interval(folded(folds), alpha)
    assert low <= held[0]
    assert held[-1] <= high
    step = RATIOS[1] / RATIOS[0]
    assert low == 0.0 or low >= held[0] / step**2.001
    assert high == math.inf or high <= held[-1] * step**2.001


@settings(deadline=None, max_examples=40)
@given(FOLDS, ALPHAS)
def test_the_other_arm_seen_from_the_first_has_the_inverse(folds: list[tuple[int, int, float]], alpha: float) -> None:
    low, high = ratio_interval(folded(folds), alpha)
    back = ratio_interval(folded([(second, first, 1 - share) for first, second, share in folds]), alpha)
    turned = (0.0 if high == math.inf else 1 / high), (math.inf if low == 0.0 else 1 / low)
    assert back == pytest.approx(turned, rel=RATIOS[1] / RATIOS[0] - 1 + 1e-6)


@settings(deadline=None, max_examples=40)
@given(FOLDS, ALPHAS)
def test_the_interval_leaves_one_out_only_if_the_test_rejects(
    folds: list[tuple[int, int, float]], alpha: float
) -> None:
    low, high = ratio_interval(folded(folds), alpha)
    if not low < 1.0 < high:
        assert ratio_test(alpha).rejected(folded(folds))


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 300), st.integers(0, 300), st.sampled_from([0.2, 0.5]))
def test_the_coarse_test_says_nearly_the_same(first: int, second: int, share: float) -> None:
    coarse, fine = coarse_test(0.05), ratio_test(0.05)
    of_coarse = coarse.log_e(coarse.fold(coarse.start(), first, second, share))
    assert of_coarse == pytest.approx(fine.log_e(fine.fold(fine.start(), first, second, share)), abs=1.0, rel=0.05)


def test_nothing_is_ruled_out_before_an_event() -> None:
    assert ratio_interval(ratio_test(0.05).start(), 0.05) == (0.0, math.inf)
    assert (RATIOS[len(RATIOS) // 2], RATIOS[-1]) == (1.0, pytest.approx(WIDEST))


def test_the_estimate_is_the_ratio_of_the_rates() -> None:
    assert likeliest_ratio(folded([(60, 100, 0.5)])) == pytest.approx(0.6, rel=0.03)
    assert likeliest_ratio(folded([(6, 190, 0.05)])) == pytest.approx(0.6, rel=0.03)


def test_a_state_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="241 numbers"):
        ratio_interval([0.0], 0.05)


@pytest.mark.parametrize(("ratio", "share"), [(1.0, 0.5), (1.5, 0.2)])
def test_the_true_ratio_is_ruled_out_ever_in_at_most_alpha_of_the_runs(ratio: float, share: float) -> None:
    """1,000 runs of 600 events, looked at after every twenty; the bound is three standard errors above 5%."""
    alpha, runs, events = 0.05, 1_000, 600
    chance = chance_of(ratio, share)
    seen = np.arange(20, events + 1, 20)
    first = np.random.default_rng(20_261_201).binomial(20, chance, (runs, len(seen))).cumsum(axis=1).astype(float)
    second = seen - first
    truth = first * math.log(chance / share) + second * math.log((1 - chance) / (1 - share))
    ruled_out = float((truth - ratio_test(alpha).levels(first, second, share) < math.log(alpha)).any(axis=1).mean())
    assert ruled_out <= alpha + 3 * math.sqrt(alpha * (1 - alpha) / runs)
    assert ruled_out > 0.003, "the runs are too short to say anything"
