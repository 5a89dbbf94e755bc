import math

import numpy as np
import pytest

from andon.statistics.mean_differences import MeanDifferenceTest
from andon.statistics.quantile_forecast import needed_for_quantile
from andon.statistics.quantile_sequences import GrowingBins, QuantileTest
from andon.statistics.rate_ratios import RateRatioTest
from andon.statistics.rollout_forecast import (
    MARGINS,
    DecisionsNeeded,
    events_needed,
    least_margin,
    margin_within,
    needed_for_mean,
    needed_for_rate,
    quickest,
    told_from_mean,
)

HARM, SOUND = QuantileTest.harm(0.95, 0.01, 0.2), QuantileTest.non_inferior(0.95, 0.2, 0.05)


def answered(test: RateRatioTest, base: float, share: float, ratio: float, decisions: int, runs: int) -> float:
    """Simulate decision by decision: the part of rollouts whose test answers within so many decisions of both arms."""
    rng = np.random.default_rng(9)
    found = 0
    for _ in range(runs):
        candidate = rng.random(decisions) < share
        event = rng.random(decisions) < base * np.where(candidate, ratio, 1.0)
        found += bool((test.path(candidate[event], share) >= test.bound).any())
    return found / runs


@pytest.mark.parametrize("power", [0.5, 0.8])
@pytest.mark.parametrize(
    ("test", "share", "ratio"),
    [
        (RateRatioTest.harm(0.01), 0.5, 2.0),
        (RateRatioTest.harm(0.01), 0.05, 2.0),
        (RateRatioTest.non_inferior(1.0, 0.05), 0.5, 1.0),
        (RateRatioTest.non_inferior(0.5, 0.05), 0.25, 0.8),
    ],
)
def test_the_forecast_is_kept(test: RateRatioTest, share: float, ratio: float, power: float) -> None:
    needed = needed_for_rate(test, 0.02, share, ratio, power)
    assert needed is not None
    assert needed.candidate == pytest.approx(needed.total * share, abs=1)
    assert answered(test, 0.02, share, ratio, needed.total, 250) == pytest.approx(power, abs=0.09)


@pytest.mark.parametrize(("margin", "oracle"), [(1.0, 2_500), (0.5, 7_300), (0.2, 36_000)])
def test_non_inferiority_needs_about_as_many_decisions_as_who_knows_the_rates(margin: float, oracle: int) -> None:
    needed = needed_for_rate(RateRatioTest.non_inferior(margin, 0.05), 0.01, 0.5, 1.0)
    assert needed is not None
    assert 0.7 * oracle < needed.candidate < 1.4 * oracle


def test_no_number_of_decisions_proves_what_is_not_so() -> None:
    assert needed_for_rate(RateRatioTest.harm(0.01), 0.01, 0.5, 1.0) is None
    assert needed_for_rate(RateRatioTest.non_inferior(0.2, 0.05), 0.01, 0.5, 1.2) is None
    assert needed_for_rate(RateRatioTest.harm(0.01), 0.0, 0.5, 2.0) is None
    assert margin_within(100, 0.01, 0.5, 0.05) is None
    assert quickest({}, 0.2, 0.5, 0.05) is None


@pytest.mark.parametrize(
    ("decisions", "base", "share"), [(10_000, 0.01, 0.5), (200_000, 0.01, 0.05), (40_000, 0.1, 0.5)]
)
def test_the_margin_within_reach_is_the_least_that_is_decided(decisions: int, base: float, share: float) -> None:
    found = margin_within(decisions, base, share, 0.05)
    assert found is not None
    margin, needed = found
    assert needed.total <= 1.05 * decisions
    smaller = RateRatioTest.non_inferior(MARGINS[MARGINS.index(margin) - 1], 0.05)
    more = needed_for_rate(smaller, base, share, 1.0)
    assert more is not None
    assert more.total >= 0.95 * decisions


def test_the_most_frequent_event_decides_first() -> None:
    found = quickest({"errors": 0.01, "overrides": 0.1}, 0.2, 0.5, 0.05)
    assert found is not None
    name, needed = found
    alone = needed_for_rate(RateRatioTest.non_inferior(0.2, 0.05), 0.01, 0.5, 1.0)
    assert name == "overrides"
    assert alone is not None
    assert needed.total == pytest.approx(alone.total / 10, rel=0.001)


def test_while_it_waits_the_forecast_begins_with_what_was_seen() -> None:
    test = RateRatioTest.non_inferior(0.5, 0.05)
    whole = events_needed(test, 0.5, 1.0)
    ahead, behind = test.fold(test.start(), 20, 30, 0.5), test.fold(test.start(), 30, 20, 0.5)
    shown = test.fold(test.start(), 100, 200, 0.5)
    found = [events_needed(test, 0.5, 1.0, state=state) for state in (ahead, behind, shown)]
    assert whole is not None
    assert found[0] is not None
    assert found[1] is not None
    assert found[0] < whole < found[1]
    assert found[2] == 0
    rng, answers = np.random.default_rng(11), 0
    for _ in range(300):
        candidate = rng.random(found[1]) < 0.5
        counts = candidate.cumsum().astype(float)
        levels = test.levels(counts, np.arange(1, found[1] + 1) - counts, 0.5, behind)
        answers += bool((levels >= test.bound).any())
    assert answers / 300 == pytest.approx(0.5, abs=0.09)


def test_hours_follow_from_the_traffic() -> None:
    needed = DecisionsNeeded(100, 1_900)
    assert needed.hours(500.0) == 4.0
    assert needed.hours(0.0) == math.inf


def test_the_forecast_for_a_mean_is_kept() -> None:
    needed = needed_for_mean(0.2, 0.5, 0.2, 0.05)
    assert needed is not None
    test, rng, answers = MeanDifferenceTest.non_inferior(0.2, 0.05), np.random.default_rng(10), 0
    for _ in range(120):
        candidate = rng.random(needed.total) < 0.2
        state = test.fold(test.start(), candidate, rng.gamma(4.0, 1.0, needed.total), 0.2)
        answers += test.rejected(state)
    assert 0.35 < answers / 120 < 0.75


def test_the_forecast_of_a_harmful_mean_is_kept() -> None:
    """A margin of 20% with a candidate 40% higher, and a margin of 10% with one 20% lower where higher is better."""
    rng = np.random.default_rng(12)
    for factor, ratio, sign in ((1.2, 1.4, 1.0), (0.9, 0.8, -1.0)):
        needed = told_from_mean(factor, ratio, 0.5, 0.2, 0.05)
        assert needed is not None
        test, answers = MeanDifferenceTest(factor, 1, 0.05), 0
        for _ in range(100):
            candidate = rng.random(needed.total) < 0.2
            values = sign * rng.gamma(4.0, 1.0, needed.total) * np.where(candidate, ratio, 1.0)
            answers += test.rejected(test.fold(test.start(), candidate, values, 0.2))
        assert 0.25 < answers / 100 < 0.85, (factor, ratio)
    assert told_from_mean(1.2, 1.2, 0.5, 0.2, 0.05) is None
    assert needed_for_mean(0.1, 0.0, 0.2, 0.05) is None
    assert needed_for_mean(0.1, math.inf, 0.2, 0.05) is None


@pytest.mark.parametrize(("test", "ratio"), [(HARM, 1.44), (SOUND, 1.0)])
def test_the_forecast_for_a_quantile_is_kept(test: QuantileTest, ratio: float) -> None:
    rng, answers = np.random.default_rng(13), 0
    lately = GrowingBins.of(rng.lognormal(-4.0, 0.5, 40_000))
    needed = needed_for_quantile(test, lately, 0.3, ratio)
    assert needed is not None
    assert needed.candidate == pytest.approx(needed.total * 0.3, abs=1)
    for _ in range(60):
        mine, others = GrowingBins(), GrowingBins()
        for _ in range(6):
            mine += GrowingBins.of(ratio * rng.lognormal(-4.0, 0.5, needed.candidate // 6))
            others += GrowingBins.of(rng.lognormal(-4.0, 0.5, needed.control // 6))
            if test.rejected(mine, others):
                answers += 1
                break
    assert 0.35 < answers / 60 < 0.85
    assert needed_for_quantile(SOUND, lately, 0.3, 1.3) is None
    assert needed_for_quantile(SOUND, GrowingBins(), 0.3) is None


def test_the_least_margin_is_the_first_that_is_decided_in_time() -> None:
    def needed(margin: float) -> DecisionsNeeded | None:
        return needed_for_mean(margin, 1.0, 0.5, 0.05)

    found = least_margin(needed, 5_000)
    assert found is not None
    smaller = needed(MARGINS[MARGINS.index(found[0]) - 1])
    assert smaller is not None
    assert found[1].total <= 5_000 < smaller.total
    assert least_margin(needed, 10) is None


def test_a_forecast_is_finite_where_exactly_half_of_the_simulations_answer() -> None:
    """At this level and share 400 of 800 answer within the first horizon."""
    found = events_needed(RateRatioTest.harm(0.01 / 9), 0.2, 2.0)
    assert found is not None
    assert 100 < found < 400


def test_events_that_are_asked_for_twice_are_forecast_alike() -> None:
    test = RateRatioTest.harm(0.01)
    assert events_needed(test, 0.5, 2.0) == events_needed(test, 0.5, 2.0)
    with pytest.raises(ValueError, match="share"):
        events_needed(test, 1.0, 2.0)
