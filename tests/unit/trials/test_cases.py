"""Comparisons of arms by wrong predictions: who is asked more, and whose verdicts are late, changes nothing."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from andon.authoring import RolloutPlan, ServiceLevel, Truth
from andon.cord import LineState
from andon.decisions import FeedRecord
from andon.evidence import AgedCase
from andon.rollouts.evidence import JudgedPair, PlacedDecision, events_of_case, judged_pair
from andon.rollouts.folding import by_guardrail, fold, fold_pairs
from andon.rollouts.guardrails import guardrails_of
from andon.rollouts.states import GuardrailState, harm_bound, harm_evidence, judge, sound_evidence
from andon.serving import ShadowPrediction
from andon.trials import CaseStanding

BEGAN = datetime(2026, 12, 1, tzinfo=UTC)
STEPS = (50.0, 100.0)
WRONG = next(one for one in guardrails_of(RolloutPlan(), ServiceLevel()) if one.name == "wrong")


@dataclass(frozen=True, slots=True)
class SimulatedArm:
    """How often an arm is wrong, as a multiple; the share that people review; how many days verdicts take."""

    errors: float = 1.0
    reviews: float = 0.1
    delay: float = 0.1
    open: float = 0.0
    """The share of wrong decisions whose verdict never comes."""


@dataclass(frozen=True, slots=True)
class SimulatedLine:
    """Decisions of both arms; the share of audits before and after the middle of the rollout."""

    decisions: int = 15_000
    days: int = 4
    share: float = 0.5
    audits: tuple[float, float] = (0.05, 0.05)
    age: float = 1.5


def cases_of(
    candidate: SimulatedArm, control: SimulatedArm, line: SimulatedLine, seed: int
) -> list[tuple[bool, AgedCase]]:
    """Simulate what is looked at: the side of each case, and the case as it is known at its age."""
    rng = np.random.default_rng(seed)
    mine = rng.random(line.decisions) < line.share
    confidence = 1.0 - rng.beta(1.0, 8.0, line.decisions) / 2
    days = np.sort(rng.random(line.decisions)) * line.days

    def of(name: str) -> Any:
        return np.where(mine, getattr(candidate, name), getattr(control, name))

    wrong = rng.random(line.decisions) < np.minimum(of("errors") * (1.0 - confidence) * 0.4, 1.0)
    edge = {side: np.quantile(confidence, arm.reviews) for side, arm in ((True, candidate), (False, control))}
    reviewed = confidence < np.where(mine, edge[True], edge[False])
    share = np.where(days < line.days / 2, *line.audits)
    looked = reviewed | (rng.random(line.decisions) < share)
    late = (rng.exponential(1.0, line.decisions) * of("delay") > line.age) | (
        wrong & (rng.random(len(wrong)) < of("open"))
    )
    found = []
    for at in np.flatnonzero(looked):
        actual = None if late[at] else "b" if wrong[at] else "a"
        propensity = 1.0 if reviewed[at] else float(share[at])
        found.append((bool(mine[at]), a_case(int(at), actual, propensity, float(days[at]), float(confidence[at]))))
    return found


def a_case(number: int, actual: str | None, propensity: float, day: float = 0.0, confidence: float = 0.9) -> AgedCase:
    """Return a case of a decision that predicted a."""
    usual: Any = ("payments", "m@1", {}, None, "a", actual, confidence, propensity, propensity, propensity, 1.0)
    audited = (propensity < 1, propensity < 1, True, BEGAN + timedelta(days=day))
    return AgedCase(*(UUID(int=number + 2**70), *usual, *audited))


def standing_of(line: SimulatedLine) -> CaseStanding:
    """Return the probabilities of a look by day, as the feed says them."""
    floors = {}
    for day in range(line.days):
        floors[(BEGAN + timedelta(days=day)).date().isoformat()] = line.audits[day >= line.days / 2]
    return CaseStanding(0, BEGAN, floors)


def judged(
    candidate: SimulatedArm, control: SimulatedArm, line: SimulatedLine, seed: int, *, thinned: bool = True
) -> tuple[bool, bool]:
    """Run one rollout at one share; whether it was rolled back, and whether the candidate was shown good enough."""
    standing, state = standing_of(line), GuardrailState()
    events = []
    for mine, case in cases_of(candidate, control, line, seed):
        if standing.keeps(case) or not thinned:
            of = PlacedDecision(case.decision_id, case.decision_id.bytes, mine, line.share)
            events += [one for one in events_of_case(case, of) if one.guardrail == "wrong"]
    for first in range(0, len(events), 50):
        fold(WRONG, state, events[first : first + 50], STEPS)
        judge(WRONG, state, STEPS)
    return state.harmed, "100" in state.shown


def rates(
    candidate: SimulatedArm, control: SimulatedArm, line: SimulatedLine, runs: int, **more: Any
) -> tuple[int, int]:
    """Count the rollouts that were rolled back, and the candidates shown good enough."""
    found = [judged(candidate, control, line, seed, **more) for seed in range(runs)]
    return sum(harmed for harmed, _ in found), sum(shown for _, shown in found)


def at_most(count: int, runs: int, promise: float) -> bool:
    """Return whether a count does not contradict a promise."""
    return bool(binomtest(count, runs).proportion_ci(0.95, "exact").low <= promise)


RUNS = 16
GOOD, ASKED, EASY = SimulatedArm(), SimulatedArm(reviews=0.4), SimulatedArm(reviews=0.02)


@pytest.mark.parametrize(
    ("candidate", "control"),
    [
        (ASKED, GOOD),
        (GOOD, ASKED),
        (SimulatedArm(reviews=1.0), SimulatedArm(reviews=0.3)),
        (SimulatedArm(delay=0.1), SimulatedArm(delay=1.0)),
        (SimulatedArm(delay=1.0), SimulatedArm(delay=0.1)),
        (SimulatedArm(reviews=0.4, delay=0.5), SimulatedArm(delay=0.1)),
    ],
    ids=[
        "asks more",
        "asks less",
        "not proven",
        "the control is slow",
        "it is slow",
        "it asks more, slowly",
    ],
)
def test_a_candidate_that_is_as_good_is_not_rolled_back(candidate: SimulatedArm, control: SimulatedArm) -> None:
    harmed, _ = rates(candidate, control, SimulatedLine(), RUNS)
    assert at_most(harmed, RUNS, 0.01)


def test_counted_by_every_review_the_same_candidate_would_be_rolled_back() -> None:
    harmed, _ = rates(ASKED, GOOD, SimulatedLine(), 5, thinned=False)
    assert harmed == 5


@pytest.mark.parametrize(
    ("candidate", "control"),
    [
        (SimulatedArm(errors=2.0), ASKED),
        (SimulatedArm(errors=2.0, reviews=0.02), ASKED),
        (SimulatedArm(errors=1.5, reviews=0.1), ASKED),
        (SimulatedArm(errors=1.5, delay=1.0), GOOD),
        (SimulatedArm(errors=1.5, open=0.5), GOOD),
        (SimulatedArm(errors=3.0, delay=3.0), GOOD),
    ],
    ids=[
        "twice",
        "twice, asks hardly",
        "margin, asks less",
        "margin, slow",
        "margin, half open",
        "three times, slow",
    ],
)
def test_a_candidate_that_is_beyond_its_margin_is_not_shown_good_enough(
    candidate: SimulatedArm, control: SimulatedArm
) -> None:
    _, shown = rates(candidate, control, SimulatedLine(), RUNS)
    assert at_most(shown, RUNS, 0.05)


def test_three_times_the_errors_are_still_found_and_an_equal_one_is_still_shown() -> None:
    line = SimulatedLine(decisions=60_000)
    harmed, _ = rates(SimulatedArm(errors=3.0, reviews=0.02), ASKED, line, 8)
    assert harmed >= 7
    _, shown = rates(GOOD, GOOD, SimulatedLine(decisions=200_000), 4)
    assert shown >= 3


def test_a_share_of_audits_that_rises_meanwhile_is_that_of_the_decisions_own_day() -> None:
    line = SimulatedLine(audits=(0.02, 0.2))
    harmed, shown = rates(ASKED, GOOD, line, RUNS)
    assert at_most(harmed, RUNS, 0.01)
    _, shown = rates(SimulatedArm(errors=1.5), ASKED, line, RUNS)
    assert at_most(shown, RUNS, 0.05)


@given(st.integers(0, 2**40), st.floats(0.01, 1.0), st.floats(0.01, 1.0))
def test_who_draws_and_when_changes_nothing_and_a_lower_floor_keeps_fewer(
    number: int, first: float, second: float
) -> None:
    case = a_case(number, "a", 1.0)
    low, high = sorted((first, second))

    def keeps(floor: float, **more: Any) -> bool:
        return CaseStanding(0, BEGAN, {"2026-12-01": floor}).keeps(replace(case, **more))

    assert keeps(low) == keeps(low)
    assert keeps(high) or not keeps(low)
    assert keeps(low, propensity=low)
    assert not keeps(high, decided_at=BEGAN - timedelta(seconds=1))


def test_the_least_draw_of_a_day_is_kept_but_not_of_what_silence_judges() -> None:
    truth = Truth({"pause": "b", "release": "a"}, matures=timedelta(days=2), unreported="a")
    standing = CaseStanding(0, BEGAN)

    def record(outcome: str, probability: float, hours: int) -> FeedRecord:
        given: Any = dict.fromkeys(FeedRecord.__struct_fields__)
        given |= {"risk": SimpleNamespace(certain=True), "prediction": object(), "line_state": LineState.AUTOMATIC}
        given |= {"policy": SimpleNamespace(outcome=outcome), "draw": SimpleNamespace(probability=probability)}
        return FeedRecord(**given | {"decided_at": BEGAN + timedelta(hours=hours)})

    some = [record("pause", 0.1, 1), record("pause", 0.05, 2), record("release", 0.01, 3), record("review", 0.0, 4)]
    standing.note_draws([*some, record("pause", 0.2, 30)], truth)
    assert standing.floors == {"2026-12-01": 0.05, "2026-12-02": 0.2}
    assert standing.floor_of(a_case(1, "a", 1.0)) == 0.05
    assert standing.floor_of(a_case(1, "a", 1.0, day=9)) == 1.0


def a_pair(actual: str | None, said: str) -> JudgedPair | None:
    shadow = ShadowPrediction(UUID(int=1), "payments", "m@2", "m", 2, "release", 0.5, said, 0.9, None, BEGAN)
    return judged_pair(a_case(1, actual, 1.0), shadow, b"u")


def test_of_a_shadow_and_its_champion_the_right_one_is_named_where_they_differ() -> None:
    assert a_pair("a", "a") is None
    found = {actual: pair.right for actual in ("a", "b", "c", None) if (pair := a_pair(actual, "b")) is not None}
    assert found == {"a": "champion", "b": "candidate", "c": "neither", None: "open"}


def test_an_open_pair_speaks_neither_for_harm_nor_for_the_candidate_and_one_with_no_right_side_says_nothing() -> None:
    pairs = {actual: pair for actual in ("a", "b", "c", None) if (pair := a_pair(actual, "b")) is not None}

    def evidence(*actual: str | None) -> tuple[float, float]:
        state = GuardrailState()
        fold_pairs(WRONG, state, [pairs[one] for one in actual], STEPS)
        return harm_evidence(WRONG, state), sound_evidence(WRONG, state, 100.0)[0]

    assert evidence("c") == pytest.approx((0.0, 0.0))
    (open_harm, open_sound), right, wrong = evidence(None), evidence("b"), evidence("a")
    assert (open_harm, open_sound) == (right[0], wrong[1])
    assert open_harm < 0 < wrong[0]
    assert open_sound < 0 < right[1]


def pairs_of(rng: np.random.Generator, labels: int, wrong: float) -> list[JudgedPair]:
    """Draw pairs on which the candidate is wrong with a probability, and the champion otherwise."""
    worse = rng.random(labels) < wrong
    return [JudgedPair(UUID(int=n), b"", "a", "b", "b" if one else "a") for n, one in enumerate(worse.tolist())]


def shown_after(wrong: float, labels: int, runs: int) -> tuple[list[int | None], int]:
    """Return after how many labels each of many candidates is shown to be good enough, and how many are rolled back."""
    shown, harmed = list[int | None](), 0
    for seed in range(runs):
        state, after = GuardrailState(), None
        for number, pair in enumerate(pairs_of(np.random.default_rng([7, seed]), labels, wrong), 1):
            fold_pairs(WRONG, state, [pair], [100.0])
            judge(WRONG, state, [100.0])
            after = number if after is None and state.shown else after
        shown.append(after)
        harmed += state.harmed
    return shown, harmed


def test_where_both_predict_otherwise_few_labels_hold_the_level_and_show_an_equal_candidate() -> None:
    """With a margin of half more errors, the margin is a share of 1.5 / 2.5 among the pairs."""
    shown, _ = shown_after(1.5 / 2.5, 600, RUNS)
    assert at_most(sum(one is not None for one in shown), RUNS, WRONG.promotion)
    shown, harmed = shown_after(0.5, 600, RUNS)
    assert at_most(harmed, RUNS, WRONG.alpha)
    assert sorted(one or 1_000 for one in shown)[RUNS // 2] < 300
    shown, _ = shown_after(0.375, 600, RUNS)
    assert sorted(one or 1_000 for one in shown)[RUNS // 2] < 60
    _, harmed = shown_after(0.75, 600, RUNS)
    assert harmed == RUNS


@pytest.mark.parametrize("share", [0.02, 0.2])
def test_reviewed_pairs_are_thinned_to_the_share_of_audits_and_count_no_more_than_others(share: float) -> None:
    """A candidate that is better where people look anyway and worse elsewhere is as good as the champion."""
    harmed = 0
    for seed in range(RUNS):
        rng, state = np.random.default_rng([9, seed]), GuardrailState()
        standing = CaseStanding(0, BEGAN, {BEGAN.date().isoformat(): share})
        for number in range(4_000):
            reviewed = bool(rng.random() < 0.5)
            case = a_case(int(rng.integers(2**60)), "b" if reviewed else "a", 1.0 if reviewed else share)
            if (reviewed or rng.random() < share) and standing.keeps(case):
                fold_pairs(WRONG, state, [JudgedPair(UUID(int=number), b"", "b", "a", case.actual)], STEPS)
        harmed += harm_evidence(WRONG, state) >= harm_bound(WRONG)
    assert at_most(harmed, RUNS, 0.01)


def test_events_of_a_case_are_of_every_guardrail_that_labels_tell() -> None:
    of = PlacedDecision(UUID(int=1), b"u", True, 0.5)
    found = by_guardrail(events_of_case(a_case(1, "b", 1.0, confidence=0.8), of))
    assert {name: one[0].value for name, one in found.items()} == {"wrong": 1.0, "calibration": pytest.approx(0.64)}
