"""Burn rates in three tiers."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from andon.statistics.burn_rates import CHANCE, LEAST, SPANS, TIERS, burn_rates
from andon.statistics.proportions import Proportion

COUNTS = st.integers(0, 100_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def test_the_tiers_are_those_of_the_workbook() -> None:
    named = [(tier.rate, tier.long, tier.short) for tier in TIERS]
    hour, day = timedelta(hours=1), timedelta(days=1)
    assert named == [(14.4, hour, hour / 12), (6.0, 6 * hour, hour / 2), (1.0, 3 * day, 6 * hour)]
    assert TIERS[0].rate * (TIERS[0].long / (30 * day)) == pytest.approx(0.02), "2% of a month's budget in an hour"


@settings(deadline=None)
@given(st.lists(COUNTS, min_size=len(SPANS), max_size=len(SPANS)), st.sampled_from([0.9, 0.99, 0.999]))
def test_a_tier_is_breached_when_both_windows_burn_and_chance_does_not_explain_it(
    counts: list[tuple[int, int]], objective: float
) -> None:
    windows = {span: Proportion(*one) for span, one in zip(SPANS, counts, strict=True)}
    for found in burn_rates(objective, windows):
        long, short = windows[found.tier.long], windows[found.tier.short]
        fast = all(one.share >= found.tier.rate * (1 - objective) * (1 - 1e-12) for one in (long, short))
        p_value = stats.binom.sf(long.some - 1, long.all, 1 - objective)
        assert found.p_value == pytest.approx(p_value, rel=1e-6, abs=1e-12)
        assert found.breached == (fast and long.some >= LEAST and p_value <= CHANCE)


@pytest.mark.parametrize(
    "windows", [{}, dict.fromkeys(SPANS, Proportion(0, 0)), dict.fromkeys(SPANS, Proportion(1, 1))]
)
def test_nothing_and_a_single_failure_are_no_breach(windows: dict[timedelta, Proportion]) -> None:
    assert not any(found.breached for found in burn_rates(0.999, windows))


def test_an_outage_breaches_all_tiers_and_an_ended_one_stays_breached_in_none_that_is_short() -> None:
    outage = dict.fromkeys(SPANS, Proportion(500, 1000))
    assert all(found.breached for found in burn_rates(0.999, outage))
    ended = outage | {TIERS[0].short: Proportion(0, 100)}
    assert [found.breached for found in burn_rates(0.999, ended)] == [False, True, True]


def test_an_objective_is_a_share() -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        burn_rates(1.0, {})
