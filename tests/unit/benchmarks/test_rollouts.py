from dataclasses import replace

import numpy as np
import pytest
from benchmarks import goals
from benchmarks.rollouts import goals_of
from benchmarks.rollouts_found import HARMS, Course, Found
from benchmarks.rollouts_healthy import (
    JUDGED,
    by_account,
    quantile_at_the_margin,
    sticky_at_the_margin,
    three_guardrails,
)
from benchmarks.rollouts_peers import argo, flagger, high, kayenta
from benchmarks.rollouts_traffic import A_MINUTE, Line, answers, events_of
from scipy.optimize import brentq
from scipy.stats import norm, rankdata

from andon.statistics.rate_ratios import RateRatioTest

HEALTHY = dict.fromkeys(JUDGED, 100)
FOUND = [Found(harm.name, harm.wanted, 9_000, 9_000, 0.0) for harm in HARMS]
SOUND = Found("margin +20%, at a share of 50%", 14_000.0, 30_000.0, 10_000.0, 0.0)
LINE = Line.steady(0.02, (20, 0.05), (20, 0.5))


def test_figures_at_their_bounds_reach_every_goal() -> None:
    assert goals.missed(goals_of(dict.fromkeys(JUDGED, 132), FOUND, [SOUND], (566, 71), 19)) == []


def test_each_goal_is_missed_by_what_it_is_about() -> None:
    for name in JUDGED:
        assert len(goals.missed(goals_of(HEALTHY | {name: 133}, FOUND, [SOUND], (500, 50), 10))) == 1
    for at, one in enumerate(FOUND):
        slow = [*FOUND[:at], replace(one, median=one.median + 1), *FOUND[at + 1 :]]
        assert len(goals.missed(goals_of(HEALTHY, slow, [SOUND], (500, 50), 10))) == 1
    assert len(goals.missed(goals_of(HEALTHY, FOUND, [replace(SOUND, median=14_001.0)], (500, 50), 10))) == 1
    assert len(goals.missed(goals_of(HEALTHY, FOUND, [SOUND], (500, 50), 20))) == 1
    for wrongly in ((567, 50), (500, 72)):
        assert len(goals.missed(goals_of(HEALTHY, FOUND, [SOUND], wrongly, 10))) == 1


def test_events_come_at_their_rate_and_fall_to_the_candidate_by_its_share() -> None:
    seen = events_of(LINE, 3.0, 200, np.random.default_rng(1))
    real = seen.shares < 1.0
    for share in (0.05, 0.5):
        at = real & (seen.shares == share)
        expected = 200 * 20 * A_MINUTE * 0.02 * (3 * share + 1 - share)
        assert at.sum() == pytest.approx(expected, rel=0.03)
        assert seen.candidate[at].mean() == pytest.approx(3 * share / (3 * share + 1 - share), abs=0.01)
    for row, filled in zip(seen.canary_requests, real, strict=True):
        assert (np.diff(row[filled]) > 0).all()
        assert row[filled][-1] < 20 * A_MINUTE * 0.55 + 1


def test_events_that_fill_up_change_no_evidence() -> None:
    seen = events_of(LINE, 1.0, 5, np.random.default_rng(2))
    path = RateRatioTest.harm(0.01).path(seen.candidate, seen.shares)
    for row, filled in zip(path, seen.shares < 1.0, strict=True):
        assert row[-1] == pytest.approx(row[filled.sum() - 1])


def test_an_account_counts_once_and_stays_with_its_arm() -> None:
    once, every = by_account(4, np.random.default_rng(3))
    assert 0 < (once.shares < 1.0).sum() < (every.shares < 1.0).sum()
    counted = once.shares < 1.0
    assert (once.candidate[counted] == every.candidate[counted]).all()
    assert once.candidate[~counted].all()


def test_first_events_of_accounts_promote_what_first_decisions_do_not() -> None:
    by_decisions, by_events = sticky_at_the_margin(12, np.random.default_rng(8))
    assert by_decisions <= 3
    assert by_events > by_decisions


def test_guardrails_with_three_events_are_rarely_rejected() -> None:
    assert three_guardrails(20, np.random.default_rng(4)) <= 3


def test_a_quantile_rarely_rolls_back_a_candidate_at_its_margin() -> None:
    assert quantile_at_the_margin(8, np.random.default_rng(9)) <= 2


def test_answers_are_those_of_the_test_itself() -> None:
    test = RateRatioTest.harm(0.05)
    (found,) = answers(LINE, 3.0, (test,), 30, np.random.default_rng(5))
    assert np.isfinite(found).mean() > 0.9
    assert found.max() <= 20 * A_MINUTE * 0.55 + 1


def test_the_rules_of_others_roll_back_what_always_fails_and_promote_what_never_does() -> None:
    rng = np.random.default_rng(6)
    fine, broken = Line.steady(0.0, (240, 0.5)), Line.steady(1.0, (240, 0.5))
    assert flagger(0.99, fine, 1.0, 50, rng) == Course(0.0, 1.0, None, None)
    assert argo(0.95, fine, 1.0, 50, rng) == Course(0.0, 1.0, None, None)
    failed = flagger(0.99, broken, 1.0, 50, rng)
    assert (failed.rolled_back, failed.minutes) == (1.0, 5)
    aborted = argo(0.95, broken, 1.0, 50, rng)
    # The fourth failure, measured from the tenth minute on.
    assert (aborted.rolled_back, aborted.minutes) == (1.0, 25)
    judged = kayenta(Line.steady(0.01, (240, 0.5)), 10.0, 10, rng)
    assert (judged.rolled_back, judged.minutes) == (1.0, 60)


@pytest.mark.parametrize("ratio", [1.0, 1.2, 1.5, 3.0])
def test_a_series_is_high_where_the_interval_of_its_shift_is(ratio: float) -> None:
    """Kayenta's own way: the root of a normal approximation of ranks as the shift's bound and estimate."""
    rng = np.random.default_rng(7)
    candidate, baseline = rng.poisson(3 * ratio, (12, 60)) / 300, rng.poisson(3, (12, 60)) / 300

    def apart_by(shift: float, x: np.ndarray, y: np.ndarray, wanted: float) -> float:
        ranks = rankdata(np.concatenate([x - shift, y]))
        apart = ranks[:60].sum() - 60 * 61 / 2 - 60 * 60 / 2
        ties = (np.unique(ranks, return_counts=True)[1] ** 3 - np.unique(ranks, return_counts=True)[1]).sum()
        return (apart - 0.5 * np.sign(apart)) / np.sqrt(60 * 60 / 12 * (121 - ties / (120 * 119))) - wanted

    agreed = 0
    for x, y, found in zip(candidate, baseline, high(candidate, baseline), strict=True):
        ends = x.min() - y.max() - 1e-9, x.max() - y.min() + 1e-9
        low = brentq(apart_by, *ends, args=(x, y, norm.ppf(0.99)))
        estimate = brentq(apart_by, *ends, args=(x, y, 0.0))
        agreed += found == (low > 0.25 * abs(estimate) and x.mean() >= y.mean())
    # Steps of ties leave a bound that rounds either way.
    assert agreed >= 11
