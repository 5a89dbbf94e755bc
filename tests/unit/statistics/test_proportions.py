"""Changes of shares, held to scipy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from andon.statistics.proportions import NOTHING, Proportion, compare_shares, exact_p_value, upper_tail

SHARES = st.floats(0.001, 0.999)
CASES = st.integers(0, 200).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@settings(deadline=None)
@given(CASES, CASES)
def test_two_shares_are_tested_as_by_fisher(one: tuple[int, int], other: tuple[int, int]) -> None:
    found = exact_p_value(Proportion(*one), Proportion(*other))
    if not one[1] or not other[1]:
        assert found == 1.0
        return
    table = [[one[0], one[1] - one[0]], [other[0], other[1] - other[0]]]
    tails = (stats.fisher_exact(table, alternative=side).pvalue for side in ("greater", "less"))
    assert found == pytest.approx(min(2 * min(tails), 1))


def test_a_share_that_wanders_by_itself_has_a_higher_bar() -> None:
    rng = np.random.default_rng(1)
    quiet = [Proportion(int(rng.binomial(1000, 0.2)), 1000) for _ in range(20)]
    wild = [Proportion(int(rng.binomial(1000, rng.beta(20, 80))), 1000) for _ in range(20)]
    current = Proportion(260, 1000)
    assert compare_shares(quiet, current).dispersion == 1
    assert compare_shares(quiet, current).p_value < 1e-4
    assert compare_shares(wild, current).dispersion > 4
    assert compare_shares(wild, current).p_value > 0.05
    assert compare_shares(wild, Proportion(700, 1000)).p_value < 1e-4


@settings(deadline=None)
@given(st.lists(CASES, max_size=12), CASES)
def test_no_counts_raise_an_exception(windows: list[tuple[int, int]], current: tuple[int, int]) -> None:
    found = compare_shares([Proportion(*one) for one in windows], Proportion(*current))
    assert 0 <= found.p_value <= 1
    assert found.low <= found.observed <= found.high


def test_an_empty_window_and_a_missing_reference_are_no_change() -> None:
    assert compare_shares([Proportion(5, 10)] * 10, NOTHING).p_value == 1
    assert compare_shares([], Proportion(5, 10)).p_value == 1


def test_unchanged_shares_seldom_get_a_small_p_value() -> None:
    rng = np.random.default_rng(2)
    found = []
    for _ in range(300):
        drawn = [Proportion(int(some), 200) for some in rng.binomial(200, rng.beta(30, 70, 13))]
        found.append(compare_shares(drawn[:-1], drawn[-1]).p_value)
    assert np.mean(np.array(found) <= 0.01) <= 0.04


@given(st.integers(1, 2000), SHARES, st.floats(0, 1))
def test_the_tail_bounds_that_of_the_binomial_and_has_its_exponent(among: int, share: float, part: float) -> None:
    count = round(among * part)
    exact = float(stats.binom.sf(count - 1, among, share))
    bound = upper_tail(count, among, share)
    assert exact <= bound * (1 + 1e-9) + 1e-300
    if count > among * share:
        entropy = stats.entropy([count / among, 1 - count / among], [share, 1 - share])
        assert bound == pytest.approx(np.exp(-among * entropy), rel=1e-6, abs=1e-300)


@given(st.lists(SHARES, min_size=2, max_size=60), st.integers(0, 2**31))
@settings(max_examples=40)
def test_the_bound_holds_for_hits_of_different_probabilities(probabilities: list[float], seed: int) -> None:
    rng = np.random.default_rng(seed)
    drawn = (rng.random((4000, len(probabilities))) < np.array(probabilities)).sum(axis=1)
    count = int(np.quantile(drawn, 0.95))
    found = float((drawn >= count).mean())
    assert found <= upper_tail(count, len(probabilities), float(np.mean(probabilities))) + 0.03


def test_no_trials_show_nothing() -> None:
    assert upper_tail(0, 0, 0.5) == 1.0
