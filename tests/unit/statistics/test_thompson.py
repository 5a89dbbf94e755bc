import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import betaln

from andon.statistics.means import Moments
from andon.statistics.thompson import BetaPosterior, MeanPosterior, best_chances, shares_of

COUNTS = st.integers(0, 60)
BETAS = st.builds(BetaPosterior, COUNTS, COUNTS)


def exactly_higher(one: BetaPosterior, other: BetaPosterior) -> float:
    """Sum the chance that the rate of `one` is higher (Evan Miller 2015, for whole numbers)."""
    a, b, c, d = other.successes + 1, other.failures + 1, one.successes + 1, one.failures + 1
    return sum(math.exp(betaln(a + i, b + d) - math.log(d + i) - betaln(1 + i, d) - betaln(a, b)) for i in range(c))


@settings(deadline=None, max_examples=50)
@given(BETAS, BETAS)
def test_two_rates_are_compared_exactly(one: BetaPosterior, other: BetaPosterior) -> None:
    found = best_chances([one, other])
    assert found[0] == pytest.approx(exactly_higher(one, other), abs=2e-3)
    assert found.sum() == pytest.approx(1.0)


def test_several_rates_are_compared_as_by_draws() -> None:
    arms = [BetaPosterior(10, 90), BetaPosterior(14, 86), BetaPosterior(2, 10), BetaPosterior()]
    rng = np.random.default_rng(1)
    drawn = np.array([rng.beta(arm.successes + 1, arm.failures + 1, 200_000) for arm in arms])
    assert best_chances(arms) == pytest.approx(np.bincount(drawn.argmax(axis=0), minlength=4) / 200_000, abs=0.005)


def test_several_means_are_compared_as_by_draws() -> None:
    rng = np.random.default_rng(2)
    moments = [Moments.of(rng.normal(mean, 3.0, size)) for mean, size in ((10.0, 40), (10.5, 400), (9.0, 5))]
    drawn = np.array(
        [one.mean + one.deviation / math.sqrt(one.count) * rng.standard_t(one.count - 1, 200_000) for one in moments]
    )
    expected = np.bincount(drawn.argmax(axis=0), minlength=3) / 200_000
    assert best_chances([MeanPosterior(one) for one in moments]) == pytest.approx(expected, abs=0.005)


@settings(deadline=None, max_examples=20)
@given(st.lists(BETAS, min_size=1, max_size=5), st.floats(0, 0.2))
def test_each_arm_keeps_its_least_share(arms: list[BetaPosterior], least: float) -> None:
    shares = shares_of(arms, least)
    assert shares.sum() == pytest.approx(1.0)
    assert (shares >= least - 1e-12).all()


def test_arms_alike_have_equal_shares_and_the_best_gets_nearly_all() -> None:
    assert shares_of([BetaPosterior()] * 4, 0.05) == pytest.approx(np.full(4, 0.25))
    assert shares_of([BetaPosterior(500, 500), BetaPosterior(100, 900)], 0.02) == pytest.approx([0.98, 0.02])
    never_varied = [MeanPosterior(Moments(10, mean, 0.0)) for mean in (1.0, 2.0)]
    assert shares_of(never_varied, 0.1) == pytest.approx([0.1, 0.9])


def test_the_best_arm_is_found_and_costs_little() -> None:
    rng, rates = np.random.default_rng(3), np.array([0.05, 0.10, 0.20])
    won, lost = np.zeros(3, int), np.zeros(3, int)
    for _ in range(40):
        arms = rng.choice(3, 50, p=shares_of([BetaPosterior(*one) for one in zip(won, lost, strict=True)], 0.05))
        good = rng.random(50) < rates[arms]
        won, lost = won + np.bincount(arms[good], minlength=3), lost + np.bincount(arms[~good], minlength=3)
    assert (won + lost)[2] > 0.6 * 2_000
    assert (won + lost).min() > 0.03 * 2_000


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="3 arms"):
        shares_of([BetaPosterior()] * 3, 0.4)
    with pytest.raises(ValueError, match="3 values"):
        MeanPosterior(Moments(2, 1.0, 0.5))
