"""The budget of retries and the pace hold for every history, not only for the ones we thought of."""

from hypothesis import given
from hypothesis import strategies as st

from andon.actions.limits import FLOOR, RATIO, WINDOW, DestinationPace, RetryBudget

HISTORY = st.lists(st.tuples(st.floats(0, 20), st.integers(0, 40), st.integers(0, 40)), min_size=1, max_size=60)
"""(seconds since the last, first tries, retries wanted)."""


@given(HISTORY)
def test_at_every_retry_those_of_the_window_are_a_fifth_of_its_first_tries_or_the_floor(
    history: list[tuple[float, int, int]],
) -> None:
    budget, now = RetryBudget(), 1_000_000.0
    firsts: list[float] = []
    retries: list[float] = []
    for pause, first, wanted in history:
        now += pause
        for _ in range(first):
            budget.first(now)
            firsts.append(now)
        for _ in range(min(wanted, budget.room(now))):
            budget.retry(now)
            retries.append(now)
            in_window = [sum(1 for at in tries if now - WINDOW < at <= now) for tries in (firsts, retries)]
            assert in_window[1] <= max(FLOOR, RATIO * in_window[0])


@given(HISTORY)
def test_what_is_over_budget_only_waits(history: list[tuple[float, int, int]]) -> None:
    budget, now = RetryBudget(), 0.0
    for pause, first, wanted in history:
        now += pause
        for _ in range(first):
            budget.first(now)
        for _ in range(min(wanted, budget.room(now))):
            budget.retry(now)
    assert budget.room(now + WINDOW + 1) == FLOOR


def test_a_quiet_destination_is_still_tried_again_and_a_busy_one_as_its_traffic_allows() -> None:
    quiet, busy = RetryBudget(), RetryBudget()
    quiet.first(0)
    for _ in range(1000):
        busy.first(0)
    assert (quiet.room(1), busy.room(1)) == (FLOOR, 200)
    busy.retry(1)
    assert busy.room(2) == 199
    assert busy.room(WINDOW - 0.5) == 199
    assert busy.room(WINDOW) == FLOOR - 1, "the first tries are out of the window"


def test_a_clock_that_goes_back_gives_no_more() -> None:
    budget = RetryBudget()
    for _ in range(FLOOR):
        budget.retry(100.0)
    assert budget.room(50.0) == 0


@given(st.floats(0.2, 500), st.lists(st.floats(0, 3), min_size=1, max_size=200))
def test_no_second_has_more_than_the_pace_and_its_burst(rate: float, pauses: list[float]) -> None:
    pace, now = DestinationPace(rate), 0.0
    begun: list[float] = []
    for pause in pauses:
        now += pause
        begun.append(now + pace.wait(now))
        now = begun[-1]
    burst = max(1.0, rate / 10)
    for start in begun:
        within = sum(1 for at in begun if start <= at <= start + 1)
        assert within <= rate + burst + 1e-6


def test_room_is_what_can_begin_without_waiting() -> None:
    pace = DestinationPace(100.0)
    assert pace.room(0.0) == 10
    for _ in range(10):
        assert pace.wait(0.0) == 0
    assert pace.room(0.0) == 0
    assert pace.wait(0.0) > 0
    assert pace.room(0.02) == 1
    assert pace.room(0.0, within=1.0) == 99
