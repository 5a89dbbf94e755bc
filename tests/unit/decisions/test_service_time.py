"""What a decision of late took is known under load, follows it, and is not misled by a batch that stood still."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andon.decisions.queue import MAX_BATCH
from andon.decisions.service_time import ServiceTime

USUAL = 50e-6

large_batches = st.lists(st.tuples(st.integers(16, 512), st.floats(1e-5, 1e-1)), min_size=3, max_size=40)


def after(*batches: tuple[int, float], limit: int = MAX_BATCH) -> ServiceTime:
    """After so many decisions a batch, each of which took so long."""
    known = ServiceTime(limit)
    for decisions, each in batches:
        known.learn(decisions, decisions * each)
    return known


@given(large_batches)
def test_it_is_what_half_of_the_decisions_of_the_last_batches_took_at_most(given: list[tuple[int, float]]) -> None:
    last = given[-9:]
    each = after(*given).each * (1 + 1e-9)
    assert sum(n for n, took in last if took <= each) >= sum(n for n, _ in last) / 2
    assert sum(n for n, took in last if took >= each / (1 + 2e-9)) >= sum(n for n, _ in last) / 2


def test_the_first_batches_say_nothing_yet() -> None:
    assert after((32, 1.0)).each == 0
    assert after((32, 1.0), (32, USUAL)).each == 0
    assert after((32, 1.0), (32, USUAL), (32, USUAL)).each == pytest.approx(USUAL)


@pytest.mark.parametrize("seconds", [0.5, 5.0, 50.0])
def test_batches_that_stood_still_say_nothing_of_others(seconds: float) -> None:
    usual, stood = [(32, USUAL)] * 9, (32, seconds / 32)
    assert after(*usual, stood, stood).each == pytest.approx(USUAL)


def test_it_follows_when_all_become_slower_or_faster() -> None:
    usual, slow = [(32, USUAL)] * 20, [(32, 10 * USUAL)] * 5
    assert after(*usual, *slow).each == pytest.approx(10 * USUAL)
    assert after(*usual, *slow, *usual[:5]).each == pytest.approx(USUAL)


def test_large_batches_count_for_more() -> None:
    assert after(*[(16, 10 * USUAL)] * 8, (512, USUAL)).each == pytest.approx(USUAL)


def test_small_batches_are_heard_only_where_they_took_less() -> None:
    known = after(*[(32, 10 * USUAL)] * 9)
    for _ in range(9):
        known.learn(2, 2 * 100 * USUAL)
    assert known.each == pytest.approx(10 * USUAL)
    for _ in range(9):
        known.learn(2, 2 * USUAL)
    assert known.each == pytest.approx(USUAL)


def test_small_batches_alone_say_nothing_unless_no_larger_ones_are_to_come() -> None:
    assert after(*[(4, USUAL)] * 20).each == 0
    assert after(*[(4, USUAL)] * 20, limit=4).each == pytest.approx(USUAL)
