"""Trouble with a Kafka topic while it is read: absent brokers, removed messages, more than fits in memory."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import uuid4

import pytest
from confluent_kafka import Consumer, TopicPartition

from andon.adapters.kafka import KafkaSource
from andon.adapters.kafka.backlog import MOST
from andon.streams import Arrival, PositionGone, SourceUnavailable
from andon_demo.brokers import Broker
from brokers import Cut, KafkaSender, Lost, a_kafka, a_kafka_behind, a_small_kafka, a_topic


@pytest.fixture(scope="module")
def kafka() -> Iterator[Broker]:
    with a_kafka() as broker:
        yield broker


@pytest.fixture(scope="module")
def small_kafka() -> Iterator[str]:
    with a_small_kafka() as address:
        yield address


def with_source(
    address: str, topic: str, test: Callable[[KafkaSource, Lost], Awaitable[None]], *, group: str | None = None
) -> None:
    async def run() -> None:
        lost = Lost()
        client = {"bootstrap.servers": address} | ({} if group is None else {"group.id": group})
        source = KafkaSource(client, topic, lost=lost)
        try:
            await test(source, lost)
        finally:
            await source.close()

    asyncio.run(run())


async def read(source: KafkaSource, partition: str, position: int, number: int) -> list[Arrival]:
    """Read that many messages, in at most 15 seconds."""
    found: list[Arrival] = []
    async with asyncio.timeout(15):
        while len(found) < number:
            at = found[-1].position + 1 if found else position
            try:
                found += await source.read(partition, at, most=number - len(found), wait=0.2)
            except SourceUnavailable:
                await asyncio.sleep(0.05)
    return found


async def read_on(source: KafkaSource, partition: str, position: int) -> None:
    """Read there again and again, for at most 20 seconds."""
    async with asyncio.timeout(20):
        while True:
            await source.read(partition, position, most=10, wait=0.2)


def test_a_connection_that_is_cut_is_made_again_and_reading_goes_on() -> None:
    cut = Cut()
    with a_kafka_behind(cut) as broker:
        topic = a_topic(broker.address, 1)
        sender = KafkaSender(broker.address, topic)
        sender.send(*[b"%d" % n for n in range(10)])

        async def test(source: KafkaSource, _: Lost) -> None:
            before = await read(source, "0", 0, 10)
            cut.cut()
            with pytest.raises(SourceUnavailable):
                await read_on(source, "0", 10)
            cut.mend()
            await asyncio.to_thread(sender.send, *[b"%d" % n for n in range(10, 20)])
            after = await read(source, "0", 10, 10)
            assert [a.data for a in [*before, *after]] == [b"%d" % n for n in range(20)]

        with_source(f"127.0.0.1:{cut.port}", topic, test)
    cut.close()


def test_messages_that_were_removed_unread_are_counted_and_reading_goes_on(small_kafka: str) -> None:
    topic = f"t-{uuid4().hex[:8]}"
    KafkaSender(small_kafka, topic).send(*[b"x" * 10_000] * 1500, partition=0)

    async def test(source: KafkaSource, lost: Lost) -> None:
        start = await source.start("0")
        assert start > 0
        first = (await read(source, "0", 0, 1))[0]
        assert first.position == start
        assert lost.told == [("0", start)]

    with_source(small_kafka, topic, test)


def test_messages_that_are_removed_while_they_are_being_read_are_counted_too(small_kafka: str) -> None:
    topic = f"t-{uuid4().hex[:8]}"
    sender = KafkaSender(small_kafka, topic)
    sender.send(b"first", partition=0)

    async def test(source: KafkaSource, lost: Lost) -> None:
        await read(source, "0", 0, 1)
        await asyncio.to_thread(partial(sender.send, *[b"x" * 10_000] * 3000, partition=0))
        position, lines = 1, 1
        while position < 3001:
            found = await read(source, "0", position, 1)
            lines += 1
            position = found[0].position + 1
        assert lines + sum(number for _, number in lost.told) == 3001

    with_source(small_kafka, topic, test)


def test_a_topic_that_ends_before_the_position_says_so_and_loses_nothing(small_kafka: str) -> None:
    topic = f"t-{uuid4().hex[:8]}"
    KafkaSender(small_kafka, topic).send(b"0", b"1", partition=0)

    async def test(source: KafkaSource, lost: Lost) -> None:
        with pytest.raises(PositionGone, match="ends at 2, before the position 50"):
            await read_on(source, "0", 50)
        assert [a.data for a in await read(source, "0", 0, 2)] == [b"0", b"1"]
        assert lost.told == []

    with_source(small_kafka, topic, test)


def test_a_moment_after_all_messages_is_the_end(small_kafka: str) -> None:
    topic = f"t-{uuid4().hex[:8]}"
    KafkaSender(small_kafka, topic).send(b"0", b"1", partition=0)

    async def test(source: KafkaSource, _: Lost) -> None:
        assert await source.position_at("0", datetime.now(UTC) + timedelta(days=1)) == 2

    with_source(small_kafka, topic, test)


def test_a_partition_that_nobody_takes_from_holds_up_no_other_and_fills_no_memory(kafka: Broker) -> None:
    topic = a_topic(kafka.address, 2)
    sender = KafkaSender(kafka.address, topic)
    many = 4 * MOST
    sender.send(*[b"%d" % n for n in range(many)], partition=0)
    sender.send(*[b"%d" % n for n in range(many)], partition=1)

    async def test(source: KafkaSource, _: Lost) -> None:
        await source.read("0", 0, most=1, wait=5)
        other = await read(source, "1", 0, many)
        waiting = source.waiting["0"]
        assert 0 < waiting <= MOST + 512
        rest = await read(source, "0", 1, many - 1)
        assert [a.data for a in other] == [b"%d" % n for n in range(many)]
        assert [a.data for a in rest] == [b"%d" % n for n in range(1, many)]

    with_source(kafka.address, topic, test)


def test_large_messages_are_read(kafka: Broker) -> None:
    topic = a_topic(kafka.address, 1)
    KafkaSender(kafka.address, topic).send(b"x" * 900_000, b"y" * 900_000)

    async def test(source: KafkaSource, _: Lost) -> None:
        assert [len(a.data) for a in await read(source, "0", 0, 2)] == [900_000, 900_000]

    with_source(kafka.address, topic, test)


def test_a_message_without_a_value_has_no_data(kafka: Broker) -> None:
    topic = a_topic(kafka.address, 1)
    KafkaSender(kafka.address, topic).send(None, key="gone")

    async def test(source: KafkaSource, _: Lost) -> None:
        (found,) = await read(source, "0", 0, 1)
        assert (found.key, found.data) == ("gone", b"")

    with_source(kafka.address, topic, test)


def test_positions_are_told_to_the_broker_under_the_group_that_was_named(kafka: Broker) -> None:
    topic = a_topic(kafka.address, 1)
    KafkaSender(kafka.address, topic).send(*[b"%d" % n for n in range(7)])

    async def test(source: KafkaSource, _: Lost) -> None:
        await read(source, "0", 0, 7)
        async with asyncio.timeout(20):
            while await asyncio.to_thread(told, kafka.address, topic, "lag-tools") != 7:
                await source.read("0", 7, most=1, wait=0.2)

    with_source(kafka.address, topic, test, group="lag-tools")


def told(address: str, topic: str, group: str) -> int:
    client = Consumer({"bootstrap.servers": address, "group.id": group, "log_level": 0})
    try:
        [found] = client.committed([TopicPartition(topic, 0)], timeout=10)
        return int(found.offset)
    finally:
        client.close()
