"""Weighted pairs: the promise by simulation, wealth by a plain product, and what is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from andon.statistics.weighted_pairs import STAKES, WeightedPairTest

CASES = st.tuples(st.sampled_from((-1, 0, 1)), st.sampled_from((0.05, 0.2, 1.0)))


@given(st.lists(CASES, max_size=40))
def test_wealth_is_the_mean_of_plain_products(cases: list[tuple[int, float]]) -> None:
    test, floor = WeightedPairTest(0.01), 0.05
    state = test.start()
    wealth = [1.0] * len(STAKES)
    for worse, probability in cases:
        state = test.fold(state, worse, probability, floor)
        wealth = [one * (1 + stake * floor * worse / probability) for one, stake in zip(wealth, STAKES, strict=True)]
    assert test.log_e(state) == pytest.approx(np.log(np.mean(wealth)), abs=1e-9)


@given(CASES, st.integers(1, 30))
def test_equal_cases_can_be_added_together(case: tuple[int, float], count: int) -> None:
    test = WeightedPairTest(0.01)
    one_by_one = test.start()
    for _ in range(count):
        one_by_one = test.fold(one_by_one, *case, 0.05)
    assert test.fold(test.start(), *case, 0.05, count) == pytest.approx(one_by_one)


@pytest.mark.parametrize(("probability", "floor"), [(0.0, 0.1), (0.05, 0.1), (1.1, 0.1), (0.5, 0.0)])
def test_an_impossible_probability_is_refused(probability: float, floor: float) -> None:
    with pytest.raises(ValueError, match="probability"):
        WeightedPairTest(0.01).fold([0.0] * len(STAKES), 1, probability, floor)


def test_a_judge_that_is_no_worse_is_seldom_blamed_however_the_looks_are_drawn() -> None:
    """Both err on 2% of the cases, the first on those that are always looked at: without weights it would be blamed."""
    rng, runs, cases, level, audited = np.random.default_rng(7), 2_000, 3_000, 0.05, 0.2
    always = rng.random((runs, cases)) < 0.3
    first = always & (rng.random((runs, cases)) < 0.02 / 0.3)
    second = ~always & (rng.random((runs, cases)) < 0.02 / 0.7)
    looked = always | (rng.random((runs, cases)) < audited)
    value = np.where(looked, first.astype(float) - second, 0.0) / np.where(always, 1.0, audited)
    by_stake = [np.cumsum(np.log1p(stake * audited * value), axis=1) for stake in STAKES]
    ever = (np.mean(np.exp(by_stake), axis=0) >= 1 / level).any(axis=1).mean()
    assert ever <= level + 3 * np.sqrt(level * (1 - level) / runs)


def test_a_judge_that_is_worse_is_found() -> None:
    rng, test, found = np.random.default_rng(8), WeightedPairTest(0.01), []
    for _ in range(50):
        state, cases = test.start(), 0
        while test.log_e(state) < test.bound and cases < 20_000:
            cases += 1
            always = rng.random() < 0.05
            first, second = rng.random() < 0.02, rng.random() < 0.004 and not always
            if always or rng.random() < 0.2:
                state = test.fold(state, int(first) - int(second), 1.0 if always else 0.2, 0.2)
        found.append(cases)
    assert np.median(found) < 6_000
