"""Who answers whom: sticky by the subject, in the shares of the split; a pinned version if it is an arm here."""

from dataclasses import replace as dataclass_replace
from datetime import UTC, datetime, timedelta
from math import sqrt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from andon.decisions import Arm, Control, Controls, Traffic, VersionNotServed, compile_policy
from andon.kernel.clock import SystemClock
from andon.serving import Assignment, Candidate, Chosen, TrafficLease, TrafficSplit
from arms import Elsewhere, Here, arm, line_of, request_of, says, traffic
from automations import an_automation, payment

CHAMPION, SECOND, THIRD = (arm(n, Here(says(0.1))) for n in (1, 2, 3))
UNITS = 4000


def a_line(**split: Any) -> Any:
    return line_of(an_automation(windows=False), traffic(CHAMPION, SECOND, THIRD, **split))


def assigned(line: Any, account: str, **more: Any) -> Assignment:
    given: Assignment = line.traffic.assign(request_of(line, payment(account=account), **more), line.automation.subject)
    return given


@given(
    st.text(min_size=1).filter(lambda text: text.isprintable()),
    st.dictionaries(st.sampled_from([2, 3]), st.integers(1, 50)),
)
def test_a_unit_stays_on_its_arm_and_the_split_is_named(account: str, shares: dict[int, int]) -> None:
    line = a_line(shares={version: float(share) for version, share in shares.items()})
    first = assigned(line, account)
    assert assigned(line, account) == first
    assert (first.chosen, first.split) == (Chosen.SPLIT, 7)
    if shares:
        assert first.bucket is not None
        assert Candidate(first.version) == line.traffic.split.candidate_for(first.bucket, Candidate(1))


@pytest.mark.parametrize("shares", [{2: 10.0}, {2: 50.0}, {2: 25.0, 3: 25.0}, {2: 0.5, 3: 99.0}])
def test_units_fall_to_the_arms_in_the_shares_of_the_split(shares: dict[int, float]) -> None:
    line = a_line(shares=shares)
    versions = [assigned(line, f"account-{n}").version for n in range(UNITS)]
    for (version, *_), share in line.traffic.split.answering(1).items():
        expected, spread = UNITS * share / 100, sqrt(UNITS * share / 100 * (1 - share / 100))
        assert abs(versions.count(version) - expected) <= 4 * spread


def test_a_share_that_grows_keeps_every_unit_that_it_had() -> None:
    before, after = a_line(shares={2: 10.0, 3: 20.0}), a_line(shares={2: 10.0, 3: 45.0})
    for n in range(UNITS):
        was, became = assigned(before, f"a{n}").version, assigned(after, f"a{n}").version
        assert became == was or (was, became) == (1, 3)


def test_without_a_subject_each_request_is_drawn_for_itself() -> None:
    line = a_line(shares={2: 50.0})
    requests = [request_of(line, payment()) for _ in range(200)]
    versions = {line.traffic.assign(request, None).version for request in requests}
    assert versions == {1, 2}


def test_without_a_split_all_goes_to_the_champion_and_no_bucket_is_drawn() -> None:
    assert assigned(a_line(), "a1") == Assignment(1, Chosen.SPLIT, 0)


def test_a_pinned_version_answers_whatever_the_split_says() -> None:
    assert assigned(a_line(shares={2: 100.0}), "a1", pinned=3) == Assignment(3, Chosen.PINNED, 7)


def test_a_version_that_is_no_arm_here_cannot_be_pinned() -> None:
    with pytest.raises(VersionNotServed, match="Version 4 of fraud-risk does not answer here; these do: 1, 2, 3"):
        assigned(a_line(shares={2: 10.0}), "a1", pinned=4)


def test_what_runs_elsewhere_is_named_by_the_arm_or_else_by_its_fallbacks() -> None:
    away = Elsewhere(says(0.1), late=AssertionError)
    patient = arm(4, away)
    assert traffic(CHAMPION, SECOND).elsewhere[Candidate(CHAMPION.version)] is None
    assert traffic(CHAMPION, patient).elsewhere[Candidate(patient.version)] is away
    assert (
        traffic(CHAMPION, fallbacks=[("stable", patient), ("review", None)]).elsewhere[Candidate(CHAMPION.version)]
        is away
    )


def test_one_version_may_answer_by_two_policies_and_a_pin_means_the_one_in_force() -> None:
    own = compile_policy(an_automation(windows=False))[1]
    other = Arm(replace(CHAMPION.ref, policy_version="0123456789ab"), CHAMPION.loaded, CHAMPION.gate, own)
    by_other = Candidate(1, "0123456789ab")
    split = TrafficSplit("payments", "fraud-risk", 1, {by_other: 40.0})
    given = Traffic(CHAMPION, split, {Candidate(1): CHAMPION, by_other: other})
    line = line_of(an_automation(windows=False), given)
    placed = [line.traffic.place(request_of(line, payment(account=f"a{n}")), "account_id") for n in range(500)]
    assert {(one.policy, arm.ref.arm) for one, arm, _ in placed} == {
        ("", "fraud-risk@1+policy-1"),
        ("0123456789ab", "fraud-risk@1+0123456789ab"),
    }
    assert 100 < sum(one.policy != "" for one, _, _ in placed) < 300
    assert line.traffic.place(request_of(line, payment(), pinned=1), None)[1] is CHAMPION
    assert line.traffic.versions == [1]


class At(SystemClock):
    """A clock that stands."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment

    def now(self) -> datetime:
        return self.moment


@pytest.mark.parametrize(
    ("split", "late", "answers"),
    [(7, False, {1, 2}), (7, True, {1}), (8, True, {1}), (6, True, {1, 2})],
    ids=["held", "over", "over for a later split too", "of an earlier split"],
)
def test_a_split_whose_lease_is_over_gives_nothing_to_its_candidates(split: int, late: bool, answers: set[int]) -> None:
    line, until = a_line(shares={2: 50.0}), datetime(2026, 12, 1, 12, tzinfo=UTC)
    controls = Controls({"payments": Control(lease=TrafficLease("payments", split, "worker", until))})
    clock = At(until if late else until - timedelta(seconds=1))
    placed = [line.place(request_of(line, payment(account=f"a{n}")), controls, clock) for n in range(200)]
    assert {assignment.version for assignment, _, _ in placed} == answers
    if answers == {1}:
        assert {assignment.bucket for assignment, _, _ in placed} == {None}
    pinned = line.place(request_of(line, payment(), pinned=2), controls, clock)[0]
    assert (pinned.version, pinned.chosen) == (2, Chosen.PINNED)


def test_units_may_be_single_decisions_though_the_automation_has_a_subject() -> None:
    line = a_line(shares={2: 50.0}, unit="decision")
    assert {assigned(line, "a1").version for _ in range(200)} == {1, 2}


def test_two_arms_that_differ_in_their_gate_only_are_told_apart_and_a_pin_asks_the_one_without() -> None:
    gated = Candidate(1, gate=0.93)
    split = TrafficSplit("payments", "fraud-risk", 7, {gated: 50.0})
    own = dataclass_replace(CHAMPION, ref=replace(CHAMPION.ref, arm=f"{CHAMPION.ref.arm}~0.93"), own=0.93)
    line = line_of(an_automation(windows=False), Traffic(CHAMPION, split, {Candidate(1): CHAMPION, gated: own}))
    placed = [line.traffic.place(request_of(line, payment(account=f"a{n}")), "account") for n in range(100)]
    assert {(assignment.candidate, arm.name) for assignment, arm, _ in placed} == {
        (Candidate(1), "fraud-risk@1+policy-1"),
        (gated, "fraud-risk@1+policy-1~0.93"),
    }
    assert assigned(line, "a1", pinned=1).candidate == Candidate(1)
