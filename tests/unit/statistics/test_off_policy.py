import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from andon.statistics.off_policy import (
    LoggedDecisions,
    NoOverlap,
    OffPolicyValue,
    _lower_bound,
    _unskewed,
    difference_of,
    value_of,
)

ERRORS = (0.0, 1.0)


def split(seed: int, rows: int = 1_500, share: float = 0.25, rate: float = 0.08) -> LoggedDecisions:
    """Return two arms that disagree on half of the decisions.

    The candidate has this share, and this rate in the second.
    """
    rng = np.random.default_rng(seed)
    disagree, drawn = rng.random(rows) < 0.5, rng.random(rows) < share
    same = ~disagree | drawn
    errors = (rng.random(rows) < np.where(same, rate, 0.3)).astype(float)
    return LoggedDecisions.of_fixed(errors, same, np.where(disagree, share, 1.0))


def spoken(found: OffPolicyValue | NoOverlap) -> OffPolicyValue:
    assert isinstance(found, OffPolicyValue), found
    return found


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32 - 1), st.booleans())
def test_the_value_is_doubly_robust_by_its_definition(seed: int, modelled: bool) -> None:
    logged = split(seed)
    rng = np.random.default_rng(seed)
    mine, theirs = rng.random((2, 1_500)) if modelled else (None, None)
    if modelled:
        logged = LoggedDecisions(logged.rewards, logged.propensities, logged.targets, logged.largest, (mine, theirs))
    total, earned, weighed = 0.0, 0.0, 0.0
    for row in range(1_500):
        weight = logged.targets[row] / logged.propensities[row]
        before = earned / weighed if weighed else 0.0
        first, second = (mine[row], theirs[row]) if modelled else (before, before)
        total += first + weight * (logged.rewards[row] - second)
        earned, weighed = earned + weight * logged.rewards[row], weighed + weight
    found = spoken(value_of(logged, ERRORS))
    assert found.value == pytest.approx(min(max(total / 1_500, 0.0), 1.0))
    assert found.low <= found.value <= found.high
    weights = logged.weights()
    assert found.effective == pytest.approx(weights.sum() ** 2 / (weights**2).sum())


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32 - 1), st.floats(0.005, 0.2), st.floats(1.0, 20.0))
def test_the_bound_is_where_a_bettor_is_just_rich(seed: int, level: float, heaviest: float) -> None:
    rng = np.random.default_rng(seed)
    values = 0.05 + rng.binomial(1, 1 / heaviest, 200) * heaviest * (rng.binomial(1, 0.1, 200) - 0.05)
    bound = _lower_bound(values, np.full(200, 0.05 - 0.05 * heaviest), level)

    def wealth(mean: float) -> float:
        stake, seen, total, squares = 1.0, 1.0, 0.5, 0.25
        for value in values:
            rate = min(math.sqrt(2 * math.log(1 / level) / (200 * squares / seen)), 0.75 / (0.95 + 0.05 * heaviest))
            stake *= 1 + rate * (value - mean)
            seen, total = seen + 1, total + value
            squares += (value - total / seen) ** 2
        return stake

    assert wealth(bound + 1e-4) < (1 + 1e-9) / level
    if bound > 0:
        assert wealth(bound - 1e-4) > (1 - 1e-9) / level


@given(st.floats(-4, 4), st.floats(-0.3, 0.3))
def test_halls_transformation_is_inverted(quantile: float, step: float) -> None:
    inner = _unskewed(quantile, step)
    assert inner + step * inner**2 / 3 + step**2 * inner**3 / 27 + step / 6 == pytest.approx(quantile, abs=1e-6)


def test_exact_intervals_cover_and_narrow_with_the_log() -> None:
    found = [spoken(value_of(split(seed, 800), ERRORS)) for seed in range(200)]
    assert np.mean([one.low <= 0.08 <= one.high for one in found]) >= 0.95
    more = spoken(value_of(split(1, 20_000), ERRORS))
    assert more.high - more.low < 0.4 * np.median([one.high - one.low for one in found])
    assert more.exact
    # At most 1.6 times what the central limit gives for the same log.
    deviation = math.sqrt(0.08 * 0.92 * (0.5 + 0.5 / 0.25) / 20_000)
    assert more.high - more.low < 1.6 * 2 * norm.ppf(0.975) * deviation


def test_rewards_without_limits_have_an_asymptotic_interval() -> None:
    covered = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        same = rng.random(1_500) < 0.25
        found = spoken(value_of(LoggedDecisions.of_fixed(rng.gamma(1.0, 9.0, 1_500), same, np.full(1_500, 0.25)), None))
        covered += found.low <= 9.0 <= found.high
        assert not found.exact
    assert covered >= 184


def test_rewards_that_are_not_known_weigh_nothing_and_their_chance_is_part_of_the_propensity() -> None:
    rng = np.random.default_rng(2)
    full = split(2, 40_000)
    known = rng.random(40_000) < 0.2
    rewards = np.where(known, full.rewards, np.nan)
    logged = LoggedDecisions.of_fixed(rewards, (full.targets > 0) & known, 0.2 / full.largest)
    found = spoken(value_of(logged, ERRORS))
    assert found.low <= 0.08 <= found.high
    assert found.high - found.low < 0.05


def test_a_candidate_that_draws_is_weighed_by_its_chances() -> None:
    rng = np.random.default_rng(3)
    taken = rng.random(20_000) < 0.3
    rewards = (rng.random(20_000) < np.where(taken, 0.4, 0.1)).astype(float)
    propensities, targets = np.where(taken, 0.3, 0.7), np.where(taken, 0.6, 0.4)
    found = spoken(value_of(LoggedDecisions(rewards, propensities, targets, np.full(20_000, 2.0)), ERRORS))
    assert found.low < 0.6 * 0.4 + 0.4 * 0.1 < found.high


def test_a_value_within_other_limits_is_the_same_value_on_another_scale() -> None:
    logged = split(4)
    scaled = LoggedDecisions(logged.rewards * 50 - 10, logged.propensities, logged.targets, logged.largest)
    one, other = spoken(value_of(logged, ERRORS)), spoken(value_of(scaled, (-10.0, 40.0)))
    assert [other.value, other.low, other.high] == pytest.approx(
        [50 * at - 10 for at in (one.value, one.low, one.high)]
    )


def test_a_few_decisions_without_overlap_widen_the_interval_by_what_they_could_hide() -> None:
    logged = split(5)
    largest, targets = logged.largest.copy(), logged.targets.copy()
    largest[:30], targets[:30] = np.inf, 0.0
    part = LoggedDecisions(logged.rewards, logged.propensities, targets, largest)
    rest = LoggedDecisions(logged.rewards[30:], logged.propensities[30:], targets[30:], largest[30:])
    wide, narrow = spoken(value_of(part, ERRORS)), spoken(value_of(rest, ERRORS))
    assert wide.unsupported == pytest.approx(0.02)
    assert wide.low == pytest.approx(0.98 * narrow.low)
    assert wide.high == pytest.approx(0.98 * narrow.high + 0.02)
    assert isinstance(value_of(part, None), NoOverlap)


@pytest.mark.parametrize(
    ("rows", "same", "propensity", "reason"),
    [
        (50, 1.0, 1.0, "50 decisions are too few"),
        (3_000, 0.8, 0.0, "20.0% of the decisions the candidate does what was never drawn"),
        (3_000, 0.01, 0.01, "worth 30 decisions"),
        (3_000, 0.4, 0.2, "weights have a mean of 2.00"),
    ],
)
def test_there_is_a_reason_instead_of_a_number(rows: int, same: float, propensity: float, reason: str) -> None:
    done = np.arange(rows) < same * rows
    chances = np.where(done, 1.0, 0.0) if propensity == 0.0 else np.full(rows, propensity)
    found = value_of(LoggedDecisions.of_fixed(np.zeros(rows), done, chances), ERRORS)
    assert isinstance(found, NoOverlap)
    assert reason in found.reason


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="propensity"):
        LoggedDecisions(np.ones(3), np.array([0.5, 0.0, 1.0]), np.ones(3), np.ones(3))
    with pytest.raises(ValueError, match="within 0 and 1"):
        value_of(LoggedDecisions.of_fixed(np.full(200, 2.0), np.ones(200, np.bool_), np.ones(200)), ERRORS)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32 - 1))
def test_a_difference_is_that_of_both_values_and_paired(seed: int) -> None:
    after = split(seed)
    rows = len(after.rewards)
    before = LoggedDecisions.of_fixed(after.rewards, np.ones(rows, dtype=bool), np.ones(rows))
    found, values = spoken(difference_of(before, after)), [spoken(value_of(one, None)) for one in (before, after)]
    assert values[0].value == pytest.approx(after.rewards.mean())
    assert found.value == pytest.approx(values[1].value - values[0].value)
    each = []
    for row in range(rows):
        weights, rewards = after.weights()[:row], after.rewards[:row]
        expected = (weights * rewards).sum() / weights.sum() if weights.sum() else 0.0
        each.append(expected + after.weights()[row] * (after.rewards[row] - expected) - after.rewards[row])
    half = norm.ppf(0.975) * np.std(each, ddof=1) / math.sqrt(rows)
    assert found.low <= found.value - 0.99 * half
    assert found.high >= found.value + 0.99 * half
    assert found.high - found.low == pytest.approx(2 * half, rel=0.1)


def test_a_difference_from_itself_is_none_and_a_silent_side_silences_it() -> None:
    log = split(7)
    same = spoken(difference_of(log, log))
    assert (same.value, same.low, same.high) == (0.0, 0.0, 0.0)
    rare = LoggedDecisions.of_fixed(np.ones(300), np.arange(300) < 3, np.full(300, 0.01))
    found = difference_of(LoggedDecisions.of_fixed(np.ones(300), np.ones(300, dtype=bool), np.ones(300)), rare)
    assert isinstance(found, NoOverlap)
    assert "is worth" in found.reason


def test_intervals_of_a_difference_cover_it() -> None:
    covered = 0
    for seed in range(200):
        log = split(seed)
        rows = len(log.rewards)
        found = spoken(
            difference_of(LoggedDecisions.of_fixed(log.rewards, np.ones(rows, dtype=bool), np.ones(rows)), log)
        )
        # Half of the decisions disagree; three quarters of those were drawn for the other side, whose rate is 0.3.
        covered += found.low <= 0.5 * 0.75 * (0.08 - 0.3) <= found.high
    assert covered >= 184
