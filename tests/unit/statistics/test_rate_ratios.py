import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from andon.statistics.rate_ratios import RateRatioTest, chance_of

ALPHAS = st.floats(0.001, 0.2)
SHARES = st.floats(0.01, 0.99)
TESTS = st.one_of(
    ALPHAS.map(RateRatioTest.harm), st.builds(RateRatioTest.non_inferior, margin=st.floats(0.05, 3), alpha=ALPHAS)
)
FOLDS = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40), SHARES), max_size=8)


def folded(test: RateRatioTest, folds: list[tuple[int, int, float]]) -> list[float]:
    state = test.start()
    for candidate, control, share in folds:
        state = test.fold(state, candidate, control, share)
    return state


@settings(deadline=None, max_examples=40)
@given(TESTS, FOLDS)
def test_e_is_the_mean_likelihood_ratio_of_binomial_counts(
    test: RateRatioTest, folds: list[tuple[int, int, float]]
) -> None:
    ratios = [
        sum(
            binom.logpmf(k, k + n, chance_of(ratio, share)) - binom.logpmf(k, k + n, chance_of(test.null_ratio, share))
            for k, n, share in folds
        )
        for ratio in test.ratios
    ]
    expected = np.logaddexp.reduce(np.array(ratios) + np.log(test.weights))
    assert test.log_e(folded(test, folds)) == pytest.approx(expected, abs=1e-6)


@settings(deadline=None, max_examples=30)
@given(TESTS, st.lists(st.tuples(st.booleans(), SHARES), min_size=1, max_size=40))
def test_events_one_by_one_and_their_path_agree(test: RateRatioTest, events: list[tuple[bool, float]]) -> None:
    state, levels = test.start(), []
    for candidate, share in events:
        state = test.fold(state, int(candidate), int(not candidate), share)
        levels.append(test.log_e(state))
    path = test.path(np.array([one[0] for one in events]), np.array([one[1] for one in events]))
    assert path == pytest.approx(np.array(levels), abs=1e-9)


@settings(deadline=None, max_examples=30)
@given(TESTS, FOLDS, FOLDS)
def test_states_of_disjoint_events_add_up(
    test: RateRatioTest, some: list[tuple[int, int, float]], others: list[tuple[int, int, float]]
) -> None:
    summed = np.add(folded(test, some), folded(test, others))
    assert summed == pytest.approx(np.array(folded(test, some + others)), abs=1e-9)


@settings(deadline=None, max_examples=30)
@given(ALPHAS, SHARES, st.floats(0, 1))
def test_harm_never_expects_to_gain_while_the_candidate_is_no_worse(alpha: float, share: float, ratio: float) -> None:
    test = RateRatioTest.harm(alpha)
    expected = chance_of(ratio, share) * np.exp(test.log_e(test.fold(test.start(), 1, 0, share)))
    expected += (1 - chance_of(ratio, share)) * np.exp(test.log_e(test.fold(test.start(), 0, 1, share)))
    assert expected <= 1 + 1e-9
    if ratio == 1:
        assert expected == pytest.approx(1)


@settings(deadline=None, max_examples=30)
@given(st.floats(0.05, 3), ALPHAS, SHARES, st.floats(0, 5))
def test_non_inferiority_never_expects_to_gain_beyond_its_margin(
    margin: float, alpha: float, share: float, beyond: float
) -> None:
    test = RateRatioTest.non_inferior(margin, alpha)
    p = chance_of(1 + margin + beyond, share)
    expected = p * np.exp(test.log_e(test.fold(test.start(), 1, 0, share)))
    expected += (1 - p) * np.exp(test.log_e(test.fold(test.start(), 0, 1, share)))
    assert expected <= 1 + 1e-9


@settings(deadline=None, max_examples=30)
@given(TESTS, FOLDS.filter(len))
def test_many_counts_at_once_are_as_one_by_one(test: RateRatioTest, folds: list[tuple[int, int, float]]) -> None:
    share = folds[0][2]
    found = test.levels(*(np.array([fold[at] for fold in folds], float) for at in (0, 1)), share)
    one_by_one = [test.log_e(test.fold(test.start(), candidate, control, share)) for candidate, control, _ in folds]
    assert found == pytest.approx(np.array(one_by_one), abs=1e-9)


@pytest.mark.parametrize(
    ("ratio", "harm", "sound"), [(0.5, False, True), (1.0, False, True), (1.4, True, False), (3.0, True, False)]
)
def test_e_tends_to_grow_only_where_the_null_is_wrong(ratio: float, harm: bool, sound: bool) -> None:
    assert (RateRatioTest.harm(0.01).growth(ratio, 0.3) > 0) is harm
    assert (RateRatioTest.non_inferior(0.4, 0.05).growth(ratio, 0.3) > 0) is sound


def test_equal_rates_are_rarely_rejected_however_often_one_looks_and_a_doubling_is_found() -> None:
    rng = np.random.default_rng(7)
    shares = np.repeat([0.05, 0.25, 0.5], 400)
    test = RateRatioTest.harm(0.05)
    quiet = test.path(rng.random((400, 1200)) < shares, shares)
    # Three standard errors above the level: the bound of a right test.
    assert (quiet >= test.bound).any(axis=1).mean() <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 400)
    doubled = test.path(rng.random((100, 1200)) < 2 * shares / (1 + shares), shares)
    assert (doubled >= test.bound).any(axis=1).mean() > 0.98


def test_a_candidate_at_the_margin_is_rarely_called_sound_and_an_equal_one_often() -> None:
    rng = np.random.default_rng(8)
    test = RateRatioTest.non_inferior(1.0, 0.05)
    at_margin = test.path(rng.random((1500, 300)) < chance_of(2.0, 0.5), 0.5)
    assert (at_margin >= test.bound).any(axis=1).mean() <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 1500)
    equal = test.path(rng.random((500, 300)) < 0.5, 0.5)
    assert (equal >= test.bound).any(axis=1).mean() > 0.98


def test_an_event_with_its_whole_share_on_one_arm_says_nothing() -> None:
    test = RateRatioTest.harm(0.01)
    assert test.fold(test.start(), 5, 0, 1.0) == pytest.approx([0.0] * len(test.ratios))
    assert test.fold(test.start(), 0, 5, 0.0) == pytest.approx([0.0] * len(test.ratios))


@pytest.mark.parametrize(("candidate", "control", "share"), [(1, 0, 0.0), (0, 1, 1.0), (-1, 0, 0.5), (0, 0, 1.5)])
def test_impossible_counts_are_refused(candidate: int, control: int, share: float) -> None:
    test = RateRatioTest.harm(0.01)
    with pytest.raises(ValueError, match=r"no share|negative"):
        test.fold(test.start(), candidate, control, share)


def test_a_state_of_another_test_is_refused() -> None:
    with pytest.raises(ValueError, match="8 numbers"):
        RateRatioTest.harm(0.01).log_e([0.0, 0.0])
