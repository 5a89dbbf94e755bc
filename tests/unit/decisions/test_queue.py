"""The queue of a lane: nothing lost or doubled, urgent requests first, bulk in large batches that never delay them."""

from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from andon.decisions.domain import Priority
from andon.decisions.queue import BULK_BATCH, BULK_LEAST, BULK_WAIT, Item, Queue, grouped

SECOND = 1_000_000_000
NOW = 100 * SECOND
ROOM = 40
"""Bulk work that fits into a slice."""


class Asked(Struct, frozen=True):
    """As much of a request as a queue looks at."""

    number: int
    priority: Priority
    deadline_ns: int | None


def item(number: int, priority: Priority, *, deadline: int | None = None, queued: int = NOW, line: Any = None) -> Item:
    asked: Any = Asked(number, priority, deadline)
    nothing: Any = None
    return Item(asked, line, nothing, nothing, lambda *_: None, queued_ns=queued)


def is_late(one: Item, now: int) -> bool:
    deadline = one.request.deadline_ns
    return deadline is not None and now > deadline


def numbers(items: list[Item]) -> list[int]:
    return [one.request.number for one in items]  # type: ignore[attr-defined]


arrivals = st.lists(
    st.tuples(st.sampled_from(list(Priority)), st.sampled_from([None, NOW - 1, NOW + 1, NOW + SECOND])), max_size=60
)


@given(arrivals, st.integers(1, 20), st.sampled_from([0, 1, 40, 1000]))
def test_everything_is_taken_once_in_order_within_its_priority_and_what_expired_is_never_in_a_batch(
    arrived: list[tuple[Priority, int | None]], limit: int, room: int
) -> None:
    queue = Queue(limit)
    for number, (priority, deadline) in enumerate(arrived):
        queue.add(item(number, priority, deadline=deadline))
    taken, expired, now = [], [], NOW
    while len(queue):
        batch, late = queue.take(room, now)
        assert len(batch) <= limit
        priorities = [one.request.priority for one in batch]
        assert priorities == sorted(priorities)
        assert not any(is_late(one, now) for one in batch)
        assert all(is_late(one, now) for one in late)
        taken += numbers(batch)
        expired += numbers(late)
        now += int(2 * BULK_WAIT * SECOND)
    assert sorted(taken + expired) == list(range(len(arrived)))
    for priority in Priority:
        of_it = [number for number in taken if arrived[number][0] is priority]
        assert of_it == sorted(of_it)
    assert {n for n, (_, deadline) in enumerate(arrived) if deadline == NOW - 1} <= set(expired)
    assert not {n for n, (_, deadline) in enumerate(arrived) if deadline is None} & set(expired)


@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 30), st.integers(1, 30))
def test_no_batch_has_less_urgent_work_while_more_urgent_work_waits(
    interactive: int, normal: int, bulk: int, limit: int
) -> None:
    queue = Queue(limit)
    for priority, count in zip(Priority, (interactive, normal, bulk), strict=True):
        for _ in range(count):
            queue.add(item(0, priority))
    assert queue.depths == (interactive, normal, bulk)
    batch, _ = queue.take(ROOM, NOW + SECOND)
    got = [sum(one.request.priority is priority for one in batch) for priority in Priority]
    assert got[0] == min(interactive, limit)
    assert got[1] == min(normal, limit - got[0])
    assert got[2] <= limit - got[0] - got[1]


def test_bulk_alone_waits_for_a_full_batch_or_its_time() -> None:
    queue = Queue()
    for number in range(BULK_BATCH - 1):
        queue.add(item(number, Priority.BULK))
    half = int(BULK_WAIT * SECOND / 2)
    assert queue.take(ROOM, NOW + half) == ([], [])
    assert queue.bulk_wait(NOW + half) == BULK_WAIT / 2
    queue.add(item(BULK_BATCH, Priority.BULK, queued=NOW + half))
    assert queue.bulk_wait(NOW + half) is None
    assert len(queue.take(ROOM, NOW + half)[0]) == ROOM


def test_a_single_bulk_row_goes_when_its_time_has_come() -> None:
    queue = Queue()
    queue.add(item(1, Priority.BULK))
    assert numbers(queue.take(ROOM, NOW + int(BULK_WAIT * SECOND) + 1)[0]) == [1]


def test_a_lane_with_small_batches_does_not_wait_for_more_bulk_than_fits_into_one() -> None:
    queue = Queue(8)
    for number in range(8):
        queue.add(item(number, Priority.BULK))
    assert len(queue.take(500, NOW)[0]) == 8


@given(st.integers(0, 2000))
def test_bulk_alone_takes_no_longer_than_its_slice_but_goes_on(room: int) -> None:
    queue = Queue()
    for number in range(1000):
        queue.add(item(number, Priority.BULK))
    batch, _ = queue.take(room, NOW + SECOND)
    assert len(batch) == min(512, max(BULK_LEAST, room))
    assert queue.bulk_wait(NOW + SECOND) is None


@given(st.integers(1, 40), st.integers(0, 2000))
def test_bulk_beside_urgent_work_takes_no_more_than_its_slice(urgent: int, room: int) -> None:
    queue = Queue()
    for number in range(urgent):
        queue.add(item(number, Priority.INTERACTIVE))
    for number in range(500):
        queue.add(item(urgent + number, Priority.BULK))
    batch, _ = queue.take(room, NOW)
    assert len(batch) - urgent == min(500, 512 - urgent, max(BULK_LEAST, room))


def test_urgent_work_does_not_wait_for_bulk_that_is_not_due() -> None:
    queue = Queue()
    queue.add(item(1, Priority.BULK))
    queue.add(item(2, Priority.NORMAL))
    assert queue.bulk_wait(NOW) is None
    assert numbers(queue.take(ROOM, NOW)[0]) == [2, 1]


def test_items_are_grouped_by_line_in_their_order() -> None:
    one: Any = SimpleNamespace()
    other: Any = SimpleNamespace()
    items = [item(n, Priority.NORMAL, line=line) for n, line in enumerate([one, other, one, other, one])]
    assert [(line, numbers(own)) for line, own in grouped(items)] == [(one, [0, 2, 4]), (other, [1, 3])]


def a_call(queue: Queue, rows: int, deadline: int | None) -> list[Item]:
    """Return the waiting rows of one call."""
    together: list[Item] = []
    for number in range(rows):
        one = item(number, Priority.NORMAL, deadline=deadline)
        one.together = together
        together.append(one)
        queue.add(one)
    return list(together)


@given(
    st.integers(1, 30),
    st.integers(1, 10),
    st.lists(st.sampled_from([NOW, NOW + SECOND, NOW + 2 * SECOND]), min_size=30, max_size=30),
)
def test_the_rows_of_one_call_are_all_waited_for_or_none(rows: int, limit: int, moments: list[int]) -> None:
    queue = Queue(limit)
    call = a_call(queue, rows, NOW + SECOND)
    queue.add(item(rows, Priority.NORMAL, deadline=NOW + SECOND))
    taken, expired, in_time = [], [], sorted(moments)
    for now in in_time:
        batch, late = queue.take(ROOM, now)
        taken += batch
        expired += late
    while len(queue):
        batch, late = queue.take(ROOM, in_time[-1])
        taken += batch
        expired += late
    assert numbers([one for one in taken if one in call]) == (list(range(rows)) if in_time[0] <= NOW + SECOND else [])
    assert len(taken) + len(expired) == rows + 1
    assert all(not one.together for one in call)
