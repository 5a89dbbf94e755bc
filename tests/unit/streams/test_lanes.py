"""What was read ahead becomes batches: never too large, each partition in its order, and none waits for another."""

import asyncio
from collections.abc import Sequence
from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from andon.streams import Arrival
from andon.streams.lanes import AHEAD, BATCH, LARGE_BYTES, Lanes
from andon.streams.places import HeldPartition
from andon.streams.reading import Chunk


def chunk(partition: str, first: int, events: int, size: int = 1) -> Chunk:
    return Chunk(partition, first, first + events, [Arrival(first + n, b"x" * size) for n in range(events)])


def lanes_of(partitions: Sequence[str], count: int) -> Lanes:
    lanes = Lanes(count)
    for name in partitions:
        lanes.begin(HeldPartition(name, 0, paused=False, seek=None))
    return lanes


@given(st.lists(st.tuples(st.sampled_from("abcde"), st.integers(1, BATCH)), max_size=40), st.integers(1, 3))
def test_every_chunk_is_taken_once_in_the_order_of_its_partition_and_no_batch_is_too_large(
    read: list[tuple[str, int]], count: int
) -> None:
    async def scenario() -> None:
        lanes = lanes_of("abcde", count)
        for name, events in read:
            log = lanes.logs[name]
            log.add(chunk(name, log.next, events))
        batches = [batch for lane in range(count) for batch in iter(partial(lanes.take, lane), [])]
        assert all(sum(len(one.arrivals) for one in batch) <= BATCH for batch in batches)
        taken = [one for batch in batches for one in batch]
        for name in "abcde":
            own = [events for of, events in read if of == name]
            assert [len(one.arrivals) for one in taken if one.partition == name] == own
            assert lanes.logs[name].ahead == 0

    asyncio.run(scenario())


def test_partitions_take_turns_so_that_a_long_one_keeps_no_other_waiting() -> None:
    async def scenario() -> None:
        lanes = lanes_of("ab", 1)
        for n in range(4):
            lanes.logs["a"].add(chunk("a", n * 300, 300))
        lanes.logs["b"].add(chunk("b", 0, 100))
        assert [one.partition for one in lanes.take(0)] == ["a", "b"]
        assert [one.partition for one in lanes.take(0)] == ["a"]

    asyncio.run(scenario())


def test_partitions_are_spread_over_the_lanes() -> None:
    async def scenario() -> None:
        lanes = lanes_of("abcd", 2)
        assert sorted(log.lane for log in lanes.logs.values()) == [0, 0, 1, 1]

    asyncio.run(scenario())


def test_large_events_count_for_more_and_one_that_is_too_large_goes_alone() -> None:
    async def scenario() -> None:
        lanes = lanes_of("a", 1)
        huge = LARGE_BYTES * BATCH * 2
        for first, size in ((0, LARGE_BYTES * BATCH // 2), (1, LARGE_BYTES * BATCH // 2), (2, huge), (3, 1)):
            lanes.logs["a"].add(chunk("a", first, 1, size))
        assert [[one.first for one in lanes.take(0)] for _ in range(4)] == [[0, 1], [2], [3], []]

    asyncio.run(scenario())


def test_reading_ahead_waits_until_something_was_taken() -> None:
    async def scenario() -> None:
        log = lanes_of("a", 1).logs["a"]
        log.add(chunk("a", 0, AHEAD))
        waiting = asyncio.ensure_future(log.until_room())
        await asyncio.sleep(0)
        assert not waiting.done()
        log.take()
        await asyncio.wait_for(waiting, 5)

    asyncio.run(scenario())
