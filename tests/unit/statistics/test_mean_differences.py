import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm

from andon.statistics.mean_differences import FIRST, LEAST, MeanDifferenceTest, spread_for, width_at

TESTS = st.sampled_from(
    [MeanDifferenceTest.harm(0.01), MeanDifferenceTest.harm(0.05), MeanDifferenceTest.non_inferior(0.2, 0.05)]
)


def naive_contributions(factor: float, candidate: np.ndarray, values: np.ndarray, shares: np.ndarray) -> list[float]:
    """One decision at a time, with the means of all earlier ones as predictions."""
    found = []
    for at in range(len(values)):
        first, second = values[:at][candidate[:at]], values[:at][~candidate[:at]]
        if min(len(first), len(second)) < FIRST:
            continue
        one = first.mean() + (values[at] - first.mean()) * candidate[at] / shares[at]
        other = second.mean() + (values[at] - second.mean()) * (not candidate[at]) / (1 - shares[at])
        found.append(one - factor * other)
    return found


@settings(deadline=None, max_examples=20)
@given(TESTS, st.integers(0, 2**32 - 1))
def test_contributions_are_those_of_the_definition(test: MeanDifferenceTest, seed: int) -> None:
    rng = np.random.default_rng(seed)
    shares = rng.uniform(0.3, 0.7, 140)
    candidate, values = rng.random(140) < shares, rng.lognormal(0, 1, 140)
    state = test.start()
    for at in range(140):
        state = test.fold(state, candidate[at : at + 1], values[at : at + 1], shares[at : at + 1])
    found = naive_contributions(test.factor, candidate, values, shares)
    assert state[:2] == pytest.approx([len(found), np.mean(found)])
    assert state[2] == pytest.approx(np.var(found) * len(found))


@settings(deadline=None, max_examples=30)
@given(TESTS, st.floats(-4, 4), st.integers(LEAST * 2, 100_000))
def test_e_is_a_mixture_of_gaussian_likelihood_ratios(test: MeanDifferenceTest, z: float, count: int) -> None:
    """The contributions have variance 1, so their sum is z sqrt(n)."""
    half = count / 2
    state = [float(count), z / math.sqrt(count), count - 1.0, half, 0.0, 0.0, half, 0.0, 0.0, 2.0 * count, 2.0 * count]
    spread = spread_for(test.alpha, 10_000)

    def paid(size: float) -> float:
        ratio = math.exp(test.sign * size * z * math.sqrt(count) - count * size * size / 2)
        return 2 * norm.pdf(size, scale=math.sqrt(spread)) * ratio

    top = abs(z) / math.sqrt(count)
    expected, _ = quad(paid, 0, top + 12 * min(math.sqrt(spread), 1 / math.sqrt(count)), limit=200)
    assert math.exp(test.log_e(state)) == pytest.approx(expected, rel=1e-5)


@given(st.floats(0.001, 0.2), st.integers(200, 1_000_000))
def test_the_bound_of_the_sequence_is_where_e_rejects(alpha: float, count: int) -> None:
    width, half = width_at(count, alpha), count / 2
    for times, rejected in ((1.0, True), (0.9, False)):
        state = [float(count), times * width, count - 1.0, half, 0.0, 0.0, half, 0.0, 0.0, 2.0 * count, 2.0 * count]
        assert MeanDifferenceTest.harm(alpha).rejected(state) is rejected


def followed(test: MeanDifferenceTest, runs: int, ratio: float, rng: np.random.Generator) -> tuple[float, float]:
    """Watch heavy-tailed values while they grow five times as high and the share goes from 5 to 50%."""
    shares, level = np.repeat([0.05, 0.5], 3000), np.repeat([1.0, 5.0], 3000)
    rejected, apart = 0, []
    for _ in range(runs):
        candidate = rng.random(6000) < shares
        values = rng.lognormal(0, 1, 6000) * level * np.where(candidate, ratio, 1.0)
        state, found = test.start(), False
        for at in range(0, 6000, 500):
            block = slice(at, at + 500)
            state = test.fold(state, candidate[block], values[block], shares[block])
            found = found or test.rejected(state)
        rejected += found
        apart.append(values[candidate].mean() - values[~candidate].mean())
    return rejected / runs, float(np.mean(apart))


def test_what_moves_both_arms_is_no_harm_though_the_plain_difference_is_large() -> None:
    rejected, plain = followed(MeanDifferenceTest.harm(0.05), 200, 1.0, np.random.default_rng(1))
    assert plain > 1.5
    assert rejected <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 200)


def test_higher_means_are_found_and_equal_ones_shown_to_be_within_the_margin() -> None:
    rng = np.random.default_rng(2)
    assert followed(MeanDifferenceTest.harm(0.05), 50, 1.5, rng)[0] > 0.95
    assert followed(MeanDifferenceTest.non_inferior(0.5, 0.05), 50, 1.0, rng)[0] > 0.9
    at_margin = followed(MeanDifferenceTest.non_inferior(0.5, 0.05), 200, 1.5, rng)[0]
    assert at_margin <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 200)


def test_rare_values_that_only_the_control_has_shown_prove_nothing() -> None:
    """Two hundred decisions of a candidate, of which about one in two hundred would have a value of 1,000."""
    rng = np.random.default_rng(3)
    candidate = rng.random(4000) < 0.05
    values = np.where(rng.random(4000) < 0.005, 1000.0, 0.0) * ~candidate
    test = MeanDifferenceTest.non_inferior(0.2, 0.05)
    assert not test.rejected(test.fold(test.start(), candidate, values, 0.05))


def test_there_is_no_answer_too_early_nor_from_values_that_never_vary() -> None:
    test = MeanDifferenceTest.harm(0.05)
    candidate = np.arange(2 * LEAST - 2) % 2 == 0
    early = test.fold(test.start(), candidate, np.where(candidate, 9.0, 1.0) + np.arange(len(candidate)) % 3, 0.5)
    assert test.interval(early) is None
    assert not test.rejected(early)
    even = np.arange(2000) % 2 == 0
    assert not test.rejected(test.fold(test.start(), even, np.zeros(2000), 0.5))


def test_decisions_that_compare_nothing_are_left_out() -> None:
    test = MeanDifferenceTest.harm(0.05)
    everything = np.ones(50, np.bool_)
    assert test.fold(test.start(), everything, np.ones(50), 1.0) == test.start()
