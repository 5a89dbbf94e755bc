"""Waiting grows but stays bounded, a dead letter is final, and a breaker lets one look through, never a crowd."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andon.actions.domain import (
    BACKOFF_CAP,
    BREAKER_FAILURES,
    BREAKER_PAUSE,
    BREAKER_PAUSE_CAP,
    RETRY_AFTER_CAP,
    ActionSelection,
    Again,
    Answer,
    AnswerKind,
    Breaker,
    GiveUp,
    backoff,
    follow_up,
)
from andon.kernel.breaker import BreakerState

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
A_MOMENT = timedelta(microseconds=1)

attempts = st.integers(1, 10_000)
shares = st.floats(0, 1)
spans = st.timedeltas(timedelta(), timedelta(days=3))


@given(attempts, shares)
def test_a_wait_lies_between_nothing_and_a_span_that_doubles_up_to_the_cap(attempt: int, share: float) -> None:
    longest = min(timedelta(seconds=2 ** min(attempt - 1, 20)), BACKOFF_CAP)
    assert timedelta() <= backoff(attempt, share) <= longest
    assert backoff(attempt, 1) == longest


@given(attempts, shares, spans)
def test_the_receiver_is_never_asked_sooner_than_it_wished_up_to_a_day(
    attempt: int, share: float, wish: timedelta
) -> None:
    answer = Answer(AnswerKind.FAILED, retry_after=wish)
    following = follow_up(answer, attempt=attempt, max_attempts=attempt + 1, share=share)
    assert isinstance(following, Again)
    assert min(wish, RETRY_AFTER_CAP) <= following.wait <= max(RETRY_AFTER_CAP, BACKOFF_CAP)


@given(st.sampled_from(AnswerKind), st.integers(1, 20), st.integers(1, 20), shares)
def test_only_failed_and_unknown_are_tried_again_and_only_while_attempts_are_left(
    kind: AnswerKind, attempt: int, most: int, share: float
) -> None:
    following = follow_up(Answer(kind), attempt=attempt, max_attempts=most, share=share)
    match kind:
        case AnswerKind.DELIVERED:
            assert following is None
        case AnswerKind.REFUSED:
            assert isinstance(following, GiveUp)
        case AnswerKind.WAITING:
            assert isinstance(following, Again)
            assert following.asks
        case _:
            assert isinstance(following, Again if attempt < most else GiveUp)


def failed_often(times: int) -> Breaker:
    breaker = Breaker()
    for _ in range(times):
        breaker = breaker.failed(NOW)
    return breaker


def test_a_breaker_opens_at_the_last_of_too_many_failures_in_a_row_and_not_before() -> None:
    assert failed_often(BREAKER_FAILURES - 1).state(NOW) is BreakerState.CLOSED
    assert failed_often(BREAKER_FAILURES).state(NOW) is BreakerState.OPEN
    broken_row = failed_often(BREAKER_FAILURES - 1).answered().failed(NOW)
    assert broken_row.state(NOW) is BreakerState.CLOSED


def test_after_its_pause_a_breaker_lets_exactly_one_look_through() -> None:
    later = NOW + BREAKER_PAUSE
    breaker = failed_often(BREAKER_FAILURES)
    assert breaker.blocks(later - A_MOMENT)
    assert not breaker.blocks(later)
    looking = breaker.begun(later)
    assert looking.blocks(later)
    assert looking.answered().state(later) is BreakerState.CLOSED
    assert not looking.abandoned().blocks(later)


def test_a_straggler_from_before_the_opening_is_no_look() -> None:
    later = NOW + BREAKER_PAUSE
    breaker = failed_often(BREAKER_FAILURES)
    assert breaker.failed(later) == breaker


@given(st.integers(1, 30))
def test_looks_that_fail_pause_ever_longer_up_to_the_cap(looks: int) -> None:
    now, breaker = NOW, failed_often(BREAKER_FAILURES)
    for look in range(looks):
        assert breaker.open_until is not None
        assert breaker.open_until - now == min(BREAKER_PAUSE * 2**look, BREAKER_PAUSE_CAP)
        now = breaker.open_until
        breaker = breaker.begun(now).failed(now)
    assert breaker.state(now) is BreakerState.OPEN


@given(st.lists(st.sampled_from(["begun", "answered", "failed", "abandoned", "time passes"]), max_size=60))
def test_whatever_happens_a_breaker_that_is_left_alone_lets_something_through_again(story: list[str]) -> None:
    now, breaker = NOW, Breaker()
    for step in story:
        match step:
            case "begun" if not breaker.blocks(now):
                breaker = breaker.begun(now)
            case "answered":
                breaker = breaker.answered()
            case "failed":
                breaker = breaker.failed(now)
            case "abandoned":
                breaker = breaker.abandoned()
            case "time passes":
                now += BREAKER_PAUSE
    assert not breaker.abandoned().blocks(now + BREAKER_PAUSE_CAP)


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_the_jitter_is_full(share: float) -> None:
    assert backoff(4, share) == timedelta(seconds=8) * share


@given(st.integers(1, 20), st.integers(1, 20))
def test_what_may_not_be_repeated_is_left_to_a_person_when_it_is_unknown_and_only_then(attempt: int, most: int) -> None:
    for kind in AnswerKind:
        may, may_not = (
            follow_up(Answer(kind, "x"), attempt=attempt, max_attempts=most, share=0.5, repeatable=repeatable)
            for repeatable in (True, False)
        )
        if kind is AnswerKind.UNKNOWN:
            assert isinstance(may_not, GiveUp)
            assert may_not.why.startswith("unknown: x. ")
        else:
            assert may == may_not


@pytest.mark.parametrize(
    ("because", "named"),
    [("unknown:", True), (" Unknown ", True), ("unknown: no answer", True), ("unknown host", False), (None, False)],
)
def test_only_a_filter_for_the_word_itself_names_what_may_have_been_taken(because: str | None, named: bool) -> None:
    assert ActionSelection(because=because).names_unknown is named
