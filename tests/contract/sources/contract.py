"""The contract of every source of events. A source's test subclasses `SourceContract`."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from random import Random
from time import perf_counter
from typing import ClassVar, Protocol

import pytest

from andon.streams import Arrival, Source, SourceUnavailable, StreamMissing

SOON = 10.0
"""Seconds that a source may take to show what was sent."""

HASTE = 25
"""How often each partition is read from somewhere else before an answer has come."""


class Stage(Protocol):
    """A real topic, stream, table or folder with nothing in it, in the hands of the test."""

    source: Source

    async def send(self, data: bytes, *, key: str | None = None, headers: Mapping[str, str] | None = None) -> None:
        """Send one message; it is there when this returns."""
        ...

    async def again(self) -> Source:
        """Another object for the same place, as another process has it. The test closes it."""
        ...

    async def elsewhere(self) -> Source:
        """Return a source of a place that does not exist. The test closes it."""
        ...

    async def unreachable(self) -> Source | None:
        """Return a source whose server does not answer; None if there is no server. The test closes it."""
        ...


class SourceContract(ABC):
    """The tests. `keyed`: messages have keys, and one key stays in one partition. `headed`: they have headers."""

    keyed: ClassVar[bool] = True
    headed: ClassVar[bool] = True

    @abstractmethod
    def stage(self) -> AbstractAsyncContextManager[Stage]:
        """Return a place of this test's own; the creator of `source` closes it."""

    def body(self, number: int) -> bytes:
        """Return the data of the message `number`; a read must return exactly this."""
        return b'{"number": %d}' % number

    def content(self, data: bytes) -> bytes:
        """Return the sent part of a message's data, where the source adds to it."""
        return data

    def run(self, test: Callable[[Stage], Awaitable[None]]) -> None:
        async def staged() -> None:
            async with self.stage() as stage:
                await test(stage)

        asyncio.run(staged())

    def test_an_empty_place_has_partitions_that_end_where_they_start(self) -> None:
        async def test(stage: Stage) -> None:
            partitions = await stage.source.partitions()
            assert len(partitions) == len(set(partitions)) > 0
            for partition in partitions:
                assert await stage.source.start(partition) == await stage.source.end(partition)

        self.run(test)

    def test_everything_sent_is_read_once_and_in_order_from_the_start(self) -> None:
        async def test(stage: Stage) -> None:
            for number in range(25):
                await stage.send(self.body(number), key="one")
            (found,) = [log for log in (await read_all(stage.source, 25)).values() if log]
            assert [self.content(arrival.data) for arrival in found] == [self.body(number) for number in range(25)]
            positions = [arrival.position for arrival in found]
            assert positions == sorted(set(positions))

        self.run(test)

    def test_any_position_can_be_read_again_by_anybody(self) -> None:
        async def test(stage: Stage) -> None:
            for number in range(10):
                await stage.send(self.body(number), key="one")
            ((partition, log),) = [item for item in (await read_all(stage.source, 10)).items() if item[1]]
            other = await stage.again()
            try:
                for source in (stage.source, other):
                    for begin in (7, 3):
                        found = await read(source, partition, log[begin].position, 10 - begin)
                        assert [self.content(a.data) for a in found] == [
                            self.body(number) for number in range(begin, 10)
                        ]
            finally:
                await other.close()

        self.run(test)

    def test_whoever_goes_elsewhere_in_haste_gets_everything_from_there_in_order(self) -> None:
        """What was on its way from the place before is not taken for what is there."""

        async def test(stage: Stage) -> None:
            for number in range(40):
                await stage.send(self.body(number), key=("one", "two")[number % 2])
            logs = [item for item in (await read_all(stage.source, 40)).items() if item[1]]
            draw = Random(5)

            async def go_elsewhere(partition: str, log: Sequence[Arrival]) -> None:
                for _ in range(HASTE):
                    before, first = draw.randrange(len(log)), draw.randrange(len(log))
                    await stage.source.read(partition, log[before].position, most=1, wait=draw.uniform(0, 0.02))
                    found = await read(stage.source, partition, log[first].position, len(log) - first, wait=0.05)
                    assert [a.position for a in found] == [a.position for a in log[first:]]

            await asyncio.gather(*(go_elsewhere(*item) for item in logs))

        self.run(test)

    def test_no_more_are_read_than_were_asked_for(self) -> None:
        async def test(stage: Stage) -> None:
            for number in range(10):
                await stage.send(self.body(number), key="one")
            ((partition, log),) = [item for item in (await read_all(stage.source, 10)).items() if item[1]]
            found = await stage.source.read(partition, log[0].position, most=4, wait=SOON)
            assert 0 < len(found) <= 4
            assert [self.content(a.data) for a in found] == [self.body(number) for number in range(len(found))]

        self.run(test)

    def test_the_end_is_after_the_newest(self) -> None:
        async def test(stage: Stage) -> None:
            for number in range(3):
                await stage.send(self.body(number), key="one")
            ((partition, log),) = [item for item in (await read_all(stage.source, 3)).items() if item[1]]
            end = await stage.source.end(partition)
            assert end > log[-1].position
            assert await stage.source.start(partition) <= log[0].position
            await stage.send(self.body(3), key="one")
            (new,) = await read(stage.source, partition, end, 1)
            assert self.content(new.data) == self.body(3)

        self.run(test)

    def test_at_the_end_reading_waits_for_what_comes(self) -> None:
        async def test(stage: Stage) -> None:
            await stage.send(self.body(0), key="one")
            ((partition, log),) = [item for item in (await read_all(stage.source, 1)).items() if item[1]]
            after = log[-1].position + 1
            reading = asyncio.ensure_future(stage.source.read(partition, after, most=10, wait=SOON))
            await asyncio.sleep(0.05)
            began = perf_counter()
            await stage.send(self.body(1), key="one")
            (found,) = await reading
            assert self.content(found.data) == self.body(1)
            assert perf_counter() - began < SOON / 2

        self.run(test)

    def test_where_nothing_comes_reading_ends_with_nothing(self) -> None:
        async def test(stage: Stage) -> None:
            partition = (await stage.source.partitions())[0]
            began = perf_counter()
            assert not await stage.source.read(partition, await stage.source.end(partition), most=10, wait=0.2)
            assert perf_counter() - began < 5

        self.run(test)

    def test_a_moment_is_found(self) -> None:
        async def test(stage: Stage) -> None:
            await stage.send(self.body(0), key="one")
            await stage.send(self.body(1), key="one")
            ((partition, log),) = [item for item in (await read_all(stage.source, 2)).items() if item[1]]
            moments = [arrival.at for arrival in log]
            if moments[0] is None:
                return
            long_ago, some_day = moments[0] - timedelta(days=1), datetime.now(UTC) + timedelta(days=1)
            first = await stage.source.position_at(partition, long_ago)
            assert [self.content(a.data) for a in await read(stage.source, partition, first, 2)] == [
                self.body(0),
                self.body(1),
            ]
            assert await stage.source.position_at(partition, some_day) == await stage.source.end(partition)

        self.run(test)

    def test_a_key_stays_in_one_partition_and_comes_with_its_messages(self) -> None:
        async def test(stage: Stage) -> None:
            if not self.keyed:
                return
            for number in range(30):
                await stage.send(self.body(number), key=f"k{number % 5}")
            logs = await read_all(stage.source, 30)
            homes: dict[str, set[str]] = {}
            for partition, log in logs.items():
                for arrival in log:
                    homes.setdefault(arrival.key or "", set()).add(partition)
            assert {key: len(found) for key, found in homes.items()} == {f"k{n}": 1 for n in range(5)}

        self.run(test)

    def test_headers_come_with_their_names_in_lower_case(self) -> None:
        async def test(stage: Stage) -> None:
            if not self.headed:
                return
            await stage.send(self.body(0), key="one", headers={"ce_id": "e-1", "Content-Type": "application/json"})
            (arrival,) = [a for log in (await read_all(stage.source, 1)).values() for a in log]
            assert arrival.headers["ce_id"] == "e-1"
            assert arrival.headers["content-type"] == "application/json"

        self.run(test)

    def test_what_is_not_there_says_so(self) -> None:
        async def test(stage: Stage) -> None:
            source = await stage.elsewhere()
            try:
                with pytest.raises(StreamMissing):
                    await source.partitions()
            finally:
                await source.close()

        self.run(test)

    def test_a_server_that_does_not_answer_is_told_from_a_place_that_is_not_there(self) -> None:
        async def test(stage: Stage) -> None:
            source = await stage.unreachable()
            if source is None:
                return
            try:
                with pytest.raises(SourceUnavailable):
                    await source.partitions()
            finally:
                await source.close()

        self.run(test)

    def test_it_can_be_closed_twice(self) -> None:
        async def test(stage: Stage) -> None:
            source = await stage.again()
            await source.partitions()
            await source.close()
            await source.close()

        self.run(test)


async def read(source: Source, partition: str, position: int, number: int, *, wait: float = 0.5) -> Sequence[Arrival]:
    """Read that many messages from a position on, in as many readings as it takes."""
    found: list[Arrival] = []
    until = perf_counter() + SOON
    while len(found) < number and perf_counter() < until:
        at = found[-1].position + 1 if found else position
        found += await source.read(partition, at, most=number - len(found), wait=wait)
    assert len(found) == number
    return found


async def read_all(source: Source, number: int) -> dict[str, list[Arrival]]:
    """All there is, once that many messages are there."""
    logs: dict[str, list[Arrival]] = {partition: [] for partition in await source.partitions()}
    until = perf_counter() + SOON
    while sum(map(len, logs.values())) < number and perf_counter() < until:
        for partition, log in logs.items():
            at = log[-1].position + 1 if log else await source.start(partition)
            log += await source.read(partition, at, most=1000, wait=0.05)
    assert sum(map(len, logs.values())) == number
    return logs
