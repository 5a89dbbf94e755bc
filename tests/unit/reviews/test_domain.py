"""A review is one person's at a time, and decided once, with an outcome that exists and a reason."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andon.kernel.errors import AndonError
from andon.kernel.identity import Actor
from andon.kernel.ids import uuid7
from andon.reviews import (
    CLAIM,
    ReviewDecided,
    ReviewHeld,
    ReviewNotClaimed,
    ReviewState,
    ReviewTask,
    VerdictInvalid,
)
from andon.reviews.domain import case_line

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
OLGA, OTTO = Actor("olga"), Actor("otto")
A_MOMENT = timedelta(microseconds=1)


def test_a_case_is_told_by_its_first_fields_and_long_ones_are_cut() -> None:
    fields = {"id": "p1", "note": "word " * 20, "missing": None, "a": 1, "b": 2, "c": 3, "d": 4}
    assert case_line({"amount": 290, "country": "DE"}) == "amount 290, country DE"
    assert case_line(fields) == "id p1, note word word word word word word word …, a 1, b 2, c 3, …"
    assert case_line({}) == ""


def a_review(**changes: Any) -> ReviewTask:
    values: dict[str, Any] = {
        "id": uuid7(NOW),
        "decision_id": uuid7(NOW),
        "automation": "screening",
        "queue": "fraud",
        "rule": "otherwise",
        "reasons": (),
        "outcomes": ("release", "pause"),
        "actions": {},
        "correlation_id": "c",
        "traceparent": None,
        "opened_at": NOW,
        "due_at": NOW + timedelta(minutes=15),
    }
    return ReviewTask(**(values | changes))


def test_who_claims_a_review_holds_it_until_the_claim_runs_out() -> None:
    review = a_review().claimed(OLGA, NOW)
    assert review.holder(NOW + CLAIM - A_MOMENT) == "olga"
    with pytest.raises(ReviewHeld, match=r"olga holds this review until 12:15:00 UTC"):
        review.claimed(OTTO, NOW + CLAIM - A_MOMENT)
    assert review.state(NOW + CLAIM) is ReviewState.OPEN
    assert review.claimed(OTTO, NOW + CLAIM).holder(NOW + CLAIM) == "otto"


def test_claiming_again_keeps_a_review_for_longer() -> None:
    later = NOW + timedelta(minutes=10)
    review = a_review().claimed(OLGA, NOW).claimed(OLGA, later)
    assert review.holder(later + CLAIM - A_MOMENT) == "olga"
    assert review.claim is not None
    assert review.claim.at == NOW


def test_work_on_a_review_begins_anew_when_its_claim_had_run_out() -> None:
    later = NOW + CLAIM
    for who in (OLGA, OTTO):
        claim = a_review().claimed(OLGA, NOW).claimed(who, later).claim
        assert claim is not None
        assert claim.at == later


@pytest.mark.parametrize("act", [lambda r, who: r.released(who, NOW), lambda r, who: r.judge("pause", "why", who, NOW)])
def test_only_the_holder_may_release_or_judge(act: Any) -> None:
    with pytest.raises(ReviewNotClaimed, match="claim it first"):
        act(a_review(), OLGA)
    with pytest.raises(ReviewHeld, match="olga"):
        act(a_review().claimed(OLGA, NOW), OTTO)
    with pytest.raises(ReviewNotClaimed, match="has expired"):
        act(a_review().claimed(OLGA, NOW - CLAIM), OLGA)


@pytest.mark.parametrize("outcome", ["review", "burn", "", "Pause"])
def test_a_verdict_is_one_of_the_outcomes_and_never_another_review(outcome: str) -> None:
    review = a_review(outcomes=("release", "pause", "review")).claimed(OLGA, NOW)
    with pytest.raises(VerdictInvalid, match=r"there are: release, pause$"):
        review.judge(outcome, "why", OLGA, NOW)


@pytest.mark.parametrize("reason", ["", "  \n\t", "x" * 2001, "a\0b", "a\ud800b"])
def test_a_verdict_needs_a_reason_that_can_be_kept(reason: str) -> None:
    with pytest.raises(VerdictInvalid):
        a_review().claimed(OLGA, NOW).judge("pause", reason, OLGA, NOW)


def test_what_is_decided_stays_so_and_says_by_whom() -> None:
    held = a_review().claimed(OLGA, NOW)
    decided = held.decided(held.judge("pause", " known mule ", OLGA, NOW))
    assert (decided.state(NOW), decided.holder(NOW)) == (ReviewState.DECIDED, None)
    assert decided.verdict is not None
    assert decided.verdict.reason == "known mule"
    for act in (decided.claimed, decided.released, lambda who, now: decided.judge("pause", "why", who, now)):
        with pytest.raises(ReviewDecided, match="olga decided on 'pause' at 2026-11-24 12:00:00 UTC"):
            act(OTTO, NOW)


def test_only_what_waits_can_be_overdue() -> None:
    held = a_review().claimed(OLGA, NOW)
    late = held.due_at + A_MOMENT
    assert not held.is_overdue(held.due_at)
    assert held.is_overdue(late)
    assert not held.decided(held.judge("pause", "why", OLGA, NOW)).is_overdue(late)


steps = st.lists(
    st.tuples(st.sampled_from(["claim", "release", "judge"]), st.sampled_from([OLGA, OTTO]), st.integers(0, 20)),
    max_size=30,
)


@given(steps)
def test_whatever_people_try_a_review_has_one_holder_and_one_verdict(story: list[tuple[str, Actor, int]]) -> None:
    review, now = a_review(), NOW
    for what, who, minutes in story:
        now += timedelta(minutes=minutes)
        before = review
        try:
            match what:
                case "claim":
                    review = review.claimed(who, now)
                case "release":
                    review = review.released(who, now)
                case _:
                    review = review.decided(review.judge("pause", "why", who, now))
        except AndonError:
            assert review is before
        else:
            assert before.verdict is None
            assert before.holder(now) in (None, who.name)
            assert what == "claim" or before.holder(now) == who.name


def test_a_blind_review_takes_every_class_even_one_that_is_called_review_and_hides_the_line_until_then() -> None:
    blind = a_review(blind=True, outcomes=("fraud", "review")).claimed(OLGA, NOW)
    assert (blind.hidden, blind.agrees, blind.choices) == (True, None, ("fraud", "review"))
    with pytest.raises(VerdictInvalid, match="No class 'pause' for screening; there are: fraud, review"):
        blind.judge("pause", "why", OLGA, NOW)
    verdict = blind.judge("review", "why", OLGA, NOW)
    assert [blind.decided(verdict, said).agrees for said in ("review", "fraud")] == [True, False]
    assert not blind.decided(verdict, "fraud").hidden
    assert (a_review().hidden, a_review().decided(verdict).agrees) == (False, None)
