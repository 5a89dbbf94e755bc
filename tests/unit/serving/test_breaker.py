"""A breaker opens after failure upon failure, stays open a while, and lets one probe decide."""

from hypothesis import given
from hypothesis import strategies as st

from andon.kernel.breaker import BreakerState
from andon.serving.breaker import Tolerance, VersionBreaker

SECONDS = st.integers(0, 3 * 1024).map(lambda n: n / 1024)
"""Which a float adds up exactly."""

TOLERANCE = Tolerance(consecutive=3, share=0.5, window=8, first_seconds=1.0, longest_seconds=4.0)


def opened(now: float = 0.0) -> VersionBreaker:
    breaker = VersionBreaker(TOLERANCE)
    for _ in range(3):
        breaker.fail(now)
    return breaker


def test_failures_in_a_row_open_it_and_it_says_for_how_long() -> None:
    breaker = VersionBreaker(TOLERANCE)
    breaker.fail(0.0)
    breaker.fail(0.0)
    assert breaker.admit(0.0)
    breaker.fail(0.0)
    assert breaker.state is BreakerState.OPEN
    assert not breaker.admit(0.9)
    assert breaker.retry_after(0.25) == 0.75


def test_a_success_between_starts_the_count_anew() -> None:
    breaker = VersionBreaker(TOLERANCE)
    for _ in range(3):
        breaker.fail(0.0)
        breaker.succeed()
    assert breaker.state is BreakerState.CLOSED


def test_half_of_a_full_window_opens_it_without_any_row_of_failures() -> None:
    breaker = VersionBreaker(TOLERANCE)
    for _ in range(4):
        breaker.succeed()
        breaker.fail(0.0)
    assert breaker.state is BreakerState.OPEN


def test_one_probe_goes_and_its_answer_closes_it() -> None:
    breaker = opened()
    assert breaker.admit(1.0)
    assert not breaker.admit(1.0)
    breaker.succeed()
    assert breaker.state is BreakerState.CLOSED
    assert breaker.admit(1.0)


def test_a_failed_probe_doubles_the_time_up_to_a_bound_and_closing_forgets_it() -> None:
    breaker, now, waits = opened(), 0.0, []
    for _ in range(4):
        waits.append(breaker.retry_after(now))
        now += waits[-1]
        assert breaker.admit(now)
        breaker.fail(now)
    assert waits == [1.0, 2.0, 4.0, 4.0]
    assert breaker.admit(now + 4.0)
    breaker.succeed()
    for _ in range(3):
        breaker.fail(now)
    assert breaker.retry_after(now) == 1.0


def test_a_probe_that_never_says_how_it_went_does_not_close_the_way_for_ever() -> None:
    breaker = opened()
    assert breaker.admit(1.0)
    assert not breaker.admit(1.5)
    assert breaker.admit(2.0)


def test_what_was_under_way_when_it_opened_changes_nothing() -> None:
    breaker = opened()
    breaker.succeed()
    breaker.fail(0.5)
    assert breaker.state is BreakerState.OPEN
    assert breaker.retry_after(0.5) == 0.5


@given(st.lists(st.tuples(st.sampled_from(["succeed", "fail", "admit"]), SECONDS), max_size=80))
def test_whatever_happens_it_is_never_open_longer_than_its_bound_and_an_answer_after_that_closes_it(
    events: list[tuple[str, float]],
) -> None:
    breaker, now = VersionBreaker(TOLERANCE), 0.0
    for event, passed in events:
        now += passed
        if event == "succeed":
            breaker.succeed()
        elif event == "fail":
            breaker.fail(now)
        else:
            admitted = breaker.admit(now)
            assert admitted or breaker.retry_after(now) > 0
        assert 0 <= breaker.retry_after(now) <= TOLERANCE.longest_seconds
    assert breaker.admit(now + TOLERANCE.longest_seconds)
    breaker.succeed()
    assert breaker.state is BreakerState.CLOSED
