"""Estimates of experiments, by simulation: intervals that cover at every look, and traffic that moves correctly."""

from dataclasses import replace
from uuid import UUID

import numpy as np
import pytest

from andon.experiments.estimates import ArmEstimate, ExperimentEstimates, arm_estimates, fold, pair_estimates
from andon.experiments.evidence import FIRST, AllocatedDecision, ArmValue
from andon.experiments.sentences import standing_sentence
from andon.statistics.off_policy import LoggedDecisions, OffPolicyValue, value_of
from simulating import Draw, Simulated, an_experiment

RATES = (0.10, 0.05, 0.09)


def events(rates: tuple[float, ...]) -> Draw:
    return lambda rng, arm, _: float(rng.random() < rates[arm])


def profit(rng: np.random.Generator, arm: int, step: int) -> float:
    return float(rng.normal((1.0, 1.5, 1.2)[arm], 1.0))


def covered(estimates: list[ArmEstimate], values: tuple[float, ...]) -> list[bool]:
    return [
        one.low is None or one.high is None or one.low <= value <= one.high
        for one, value in zip(estimates, values, strict=True)
    ]


def test_the_better_of_two_is_found_and_its_interval_covers() -> None:
    run = Simulated(an_experiment(), events((0.12, 0.06)), 4)
    looks = 0
    while run.winner is None:
        run.decide(250)
        looks += 1
        assert looks < 40
    [pair] = pair_estimates(run.experiment, run.estimates)
    assert run.winner == 1
    assert (pair.better, pair.low is not None and pair.low > 1.0) == (1, True)
    assert pair.low <= 2.0 <= pair.high
    assert all(covered(arm_estimates(run.experiment, run.estimates), (0.12, 0.06)))
    said = standing_sentence(run.experiment, run.estimates)
    assert said.startswith("fraud-risk@2 is better: fraud-risk@2 has 0.")
    assert "times the overrides of fraud-risk@1" in said
    by_accounts = standing_sentence(replace(run.experiment, unit="subject"), run.estimates)
    assert "times the accounts with overrides of fraud-risk@1" in by_accounts


def test_equal_arms_have_a_winner_in_at_most_alpha_of_experiments_however_often_one_looks() -> None:
    """60 experiments of three equal arms at 6 looks each: at most 6 winners, 5% and two standard errors."""
    won = 0
    for seed in range(60):
        run = Simulated(an_experiment(3), events((0.2, 0.2, 0.2)), seed)
        for _ in range(6):
            run.decide(60)
            if run.winner is not None:
                won += 1
                break
    assert won <= 6


def test_thompson_sampling_puts_most_traffic_on_the_better_arm_and_keeps_a_share_for_each() -> None:
    run = Simulated(an_experiment(3, allocation="thompson"), events(RATES), 1)
    moved = 0
    for _ in range(12):
        run.decide(400)
        moved += run.allocate()
    assert moved >= 2
    assert run.experiment.shares[1] > 70
    assert min(run.experiment.shares) >= 5
    assert sum(run.experiment.shares) == pytest.approx(100)
    assert run.counts[1] > run.counts[0] + run.counts[2]
    assert all(covered(arm_estimates(run.experiment, run.estimates), RATES))


def test_intervals_cover_at_every_look_while_shares_follow_the_results() -> None:
    """25 runs of three arms.

    5% of an arm's intervals may miss at some look: at most 9 of 75, at three standard errors.
    """
    missed = 0
    for seed in range(25):
        run = Simulated(an_experiment(3, allocation="thompson", measure="profit", better="higher"), profit, seed)
        ever = [False] * 3
        for _ in range(6):
            run.decide(150)
            run.allocate()
            looked = covered(arm_estimates(run.experiment, run.estimates), (1.0, 1.5, 1.2))
            ever = [before or not now for before, now in zip(ever, looked, strict=True)]
        missed += sum(ever)
    assert missed <= 9


@pytest.mark.parametrize("measure", ["errors", "profit"])
def test_estimates_agree_with_those_of_a_whole_log(measure: str) -> None:
    better, draw = ("lower", events(RATES)) if measure == "errors" else ("higher", profit)
    run = Simulated(an_experiment(3, allocation="thompson", measure=measure, better=better), draw, 6)
    for _ in range(6):
        run.decide(400)
        run.allocate()
    rewards = np.array([value for _, _, value in run.log])
    for place, found in enumerate(arm_estimates(run.experiment, run.estimates)):
        same = np.array([arm == place for arm, _, _ in run.log])
        chances = np.array([one[place] for _, one, _ in run.log])
        of_log = value_of(LoggedDecisions.of_fixed(rewards, same, chances), (0.0, 1.0) if measure == "errors" else None)
        assert isinstance(of_log, OffPolicyValue)
        assert of_log.low <= (found.value or -99.0) <= of_log.high
        if measure == "errors":
            assert found.value == pytest.approx(float((same * rewards / chances).mean()))


def test_estimates_weigh_by_the_shares_of_their_time_where_plain_means_do_not() -> None:
    """Both arms are equal, and hours differ: the second has most traffic in the better ones (Simpson's paradox)."""

    def value(rng: np.random.Generator, arm: int, step: int) -> float:
        return float(rng.normal(10.0 if step < 3 else 14.0, 1.0))

    run = Simulated(an_experiment(measure="profit", better="higher"), value, 3)
    for step in range(6):
        shares = (80.0, 20.0) if step < 3 else (20.0, 80.0)
        run.experiment = replace(run.experiment, shares=shares)
        run.decide(400)
    first, second = run.estimates.arms
    assert second.total / second.values - first.total / first.values > 2
    [pair] = pair_estimates(run.experiment, run.estimates)
    assert pair.better is None
    assert abs(pair.value or 9.0) < 0.5
    assert all(covered(arm_estimates(run.experiment, run.estimates), (12.0, 12.0)))


def test_late_events_of_an_arm_that_grew_are_not_taken_for_rare_ones() -> None:
    """Overrides of the last half are not known yet; most decisions of the second arm are of that half."""
    known = Simulated(an_experiment(), events((0.2, 0.2)), 5)
    known.experiment = replace(known.experiment, shares=(80.0, 20.0))
    known.decide(1000)
    waiting = Simulated(known.experiment, lambda *_: 0.0, 6)
    waiting.estimates = known.estimates
    waiting.experiment = replace(known.experiment, shares=(20.0, 80.0))
    waiting.decide(1000)
    first, second = arm_estimates(waiting.experiment, waiting.estimates)
    plain = [one.total / one.units for one in waiting.estimates.arms]
    assert plain[0] > 2 * plain[1]
    assert first.value == pytest.approx(0.1, abs=0.03)
    assert second.value == pytest.approx(0.1, abs=0.03)


def test_there_is_no_answer_before_enough() -> None:
    run = Simulated(an_experiment(), events((0.5, 0.5)), 7)
    run.decide(60)
    assert [one.value for one in arm_estimates(run.experiment, run.estimates)] == [None, None]
    assert run.allocate() is False
    empty = ExperimentEstimates.of(None, 2)
    assert standing_sentence(run.experiment, empty).endswith("nothing can be compared so far")


def test_what_was_counted_survives_being_kept() -> None:
    run = Simulated(an_experiment(3, measure="profit", better="higher"), lambda rng, arm, _: rng.normal(arm), 8)
    run.decide(400)
    kept = ExperimentEstimates.of(run.estimates.body(), 3)
    assert kept == run.estimates
    assert pair_estimates(run.experiment, kept) == pair_estimates(run.experiment, run.estimates)


@pytest.mark.parametrize("better", ["lower", "higher"])
def test_which_way_is_better_decides_who_wins(better: str) -> None:
    run = Simulated(an_experiment(measure="profit", better=better), lambda rng, arm, _: rng.normal(5.0 + arm, 1.0), 9)
    run.decide(600)
    assert run.winner == (1 if better == "higher" else 0)
    said = standing_sentence(run.experiment, run.estimates)
    assert said.startswith("fraud-risk@2 is better" if better == "higher" else "fraud-risk@1 is better")
    assert ("has +1" in said or "has +0.9" in said) == (better == "higher"), said


def test_a_worse_arm_whose_verdicts_are_open_is_not_named_the_winner() -> None:
    """Half of its wrong decisions are still open at the age of a case: they count as wrong, never for their own arm."""
    one, rng = an_experiment(measure="wrong"), np.random.default_rng(3)
    estimates = ExperimentEstimates.of(None, 2)
    for _ in range(20):
        arms = rng.integers(0, 2, 500)
        wrong, late = rng.random(500) < np.where(arms == 1, 0.06, 0.04), (arms == 1) & (rng.random(500) < 0.5)
        drawn = [AllocatedDecision(UUID(int=0), b"", arm, (0.5, 0.5)) for arm in arms.tolist()]
        values = [
            ArmValue(FIRST, of, 1.0 if bad else None, bool(bad and is_open))
            for of, bad, is_open in zip(drawn, wrong, late, strict=True)
        ]
        fold(one, estimates, values)
        [pair] = pair_estimates(one, estimates)
        assert pair.better != 1
    assert pair.low is not None
    assert pair.high is not None
    assert pair.low < 0.67 < 1.0 < pair.high
    assert estimates.arms[1].open > 50
    covering = arm_estimates(one, estimates)
    assert all(covered(covering, (0.04, 0.06)))
