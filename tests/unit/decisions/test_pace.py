"""What one more decision adds to a batch is told apart from what any batch costs."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andon.decisions.pace import Pace
from andon.decisions.queue import BULK_LEAST, BULK_SLICE

sizes = st.lists(st.integers(1, 500), min_size=2, max_size=100).filter(lambda given: len(set(given)) > 1)


@given(sizes, st.floats(0, 0.05), st.floats(1e-5, 1e-3))
def test_it_finds_the_cost_of_each_whatever_a_batch_costs(sizes: list[int], batch: float, each: float) -> None:
    pace = Pace()
    for size in sizes:
        pace.learn(size, batch + size * each)
    mean = pace.each
    assert mean is not None
    assert mean >= each * 0.999
    assert pace.usual <= batch + 1e-9
    if batch == 0:
        assert mean == pytest.approx(each, rel=1e-3)


def test_nothing_is_known_before_the_first_batch_and_the_mean_while_all_are_of_one_size() -> None:
    pace = Pace()
    assert pace.each is None
    for _ in range(10):
        pace.learn(4, 0.02)
    assert pace.each == pytest.approx(0.005)


def test_it_is_never_nothing_or_less_though_times_scatter() -> None:
    pace = Pace()
    for size, seconds in ((1, 0.05), (100, 0.01), (1, 0.06), (200, 0.02)):
        pace.learn(size, seconds)
    assert pace.each is not None
    assert pace.each > 0


@pytest.mark.parametrize("commit", [0.0005, 0.005, 0.02])
def test_slices_of_bulk_grow_to_what_is_meant_however_slow_a_commit_is(commit: float) -> None:
    draw, pace, each, taken = random.Random(2), Pace(), 60e-6, 0
    for number in range(400):
        size = 1 + max(BULK_LEAST, pace.room(BULK_SLICE)) * (number % 3 > 0)
        size = min(512, size)
        pace.learn(size, (commit + size * each) * draw.uniform(0.7, 1.6))
        taken += size * (number >= 100)
    assert taken / 300 > 0.25 * BULK_SLICE / each


def test_room_is_what_is_done_in_the_time_or_in_what_any_batch_takes() -> None:
    fast, slow, new = Pace(), Pace(), Pace()
    for size in (1, 10, 50, 100):
        fast.learn(size, 0.001 + size * 0.0001)
        slow.learn(size, 0.02 + size * 0.0001)
    assert fast.room(0.004) in (39, 40)
    assert slow.room(0.004) in (199, 200)
    assert new.room(0.004) == 0
