"""Batches that wait for a process: first in, first out; abandoned ones are skipped, and the scaler sees all waits."""

import asyncio
from collections.abc import Callable, Iterator
from typing import TypeAlias

import numpy as np
import pytest

from andon.serving.isolated.waiting import BatchQueue, QueuedRows

Make: TypeAlias = Callable[..., QueuedRows]


@pytest.fixture
def a_batch() -> Iterator[Make]:
    loop = asyncio.new_event_loop()

    def make(came_at: float, deadline: float = 100.0) -> QueuedRows:
        return QueuedRows(np.zeros((1, 1)), deadline, loop.create_future(), came_at)

    yield make
    loop.close()


def test_the_oldest_goes_first_and_how_long_each_waited_is_told_once(a_batch: Make) -> None:
    waiting, first, second = BatchQueue(), a_batch(1.0), a_batch(2.0)
    waiting.add(first)
    waiting.add(second)
    assert waiting.take(now=4.0) is first
    assert waiting.look(now=5.0) == ([3.0], 3.0, 4.0), "the second waits for 3 s, and since 4 s there was always one"
    assert waiting.take(now=6.0) is second
    assert waiting.take(now=6.0) is None
    assert waiting.look(now=7.0) == ([4.0], 0.0, 0.0)
    waiting.add(a_batch(8.0))
    assert waiting.look(now=9.0) == ([], 1.0, 1.0), "it was empty between"


def test_whom_nobody_waits_for_any_more_is_passed_over(a_batch: Make) -> None:
    waiting, gone, late, last = BatchQueue(), a_batch(1.0), a_batch(2.0, deadline=3.0), a_batch(2.5)
    for batch in (gone, late, last):
        waiting.add(batch)
    gone.answer.cancel()
    assert waiting.take(now=3.0) is last
    assert len(waiting) == 0
    assert waiting.look(now=3.0).waits == [2.0, 1.0, 0.5], "they waited as well"


def test_all_that_wait_are_refused_but_for_those_who_left(a_batch: Make) -> None:
    waiting, gone, there = BatchQueue(), a_batch(1.0), a_batch(1.0)
    waiting.add(gone)
    waiting.add(there)
    gone.answer.cancel()
    waiting.refuse(ValueError("closed"))
    assert len(waiting) == 0
    assert waiting.look(now=9.0) == ([], 0.0, 0.0)
    assert str(there.answer.exception()) == "closed"


def test_a_second_answer_changes_nothing(a_batch: Make) -> None:
    batch = a_batch(1.0)
    batch.succeed(np.ones((1, 2)))
    batch.fail(ValueError("late"))
    batch.succeed(np.zeros((1, 2)))
    assert batch.answer.result().tolist() == [[1.0, 1.0]]
