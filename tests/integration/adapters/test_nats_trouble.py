"""What happens to a stream while it is read: a server that dies, messages that are removed, passwords, subjects."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import nats
import pytest
import uvloop

from andon.adapters.nats import NatsSource
from andon.adapters.nats.feed import HELPING
from andon.bootstrap.brokers import nats_client
from andon.kernel.connections import NatsConnection
from andon.streams import Arrival, PositionGone, SourceUnavailable, StreamMissing
from andon_demo.brokers import Broker
from brokers import Lost, a_nats, a_stream, send_to_nats
from certificates import a_certificate


@pytest.fixture(scope="module")
def server() -> Iterator[Broker]:
    with a_nats() as server:
        yield server


def with_source(
    client: str | Mapping[str, Any],
    stream: str,
    test: Callable[[NatsSource, Lost], Awaitable[None]],
    *,
    subjects: Sequence[str] = (),
) -> None:
    async def run() -> None:
        lost = Lost()
        options = {"servers": [f"nats://{client}"]} if isinstance(client, str) else client
        source = NatsSource(options, stream, lost=lost, subjects=subjects)
        try:
            await test(source, lost)
        finally:
            await source.close()

    asyncio.run(run())


async def read(source: NatsSource, partition: str, position: int, number: int) -> list[Arrival]:
    """Read that many messages, in at most 20 seconds."""
    found: list[Arrival] = []
    async with asyncio.timeout(20):
        while len(found) < number:
            at = found[-1].position + 1 if found else position
            try:
                found += await source.read(partition, at, most=number - len(found), wait=0.2)
            except SourceUnavailable:
                await asyncio.sleep(0.05)
    return found


async def read_on(source: NatsSource, position: int) -> None:
    """Read there again and again, for at most 20 seconds."""
    async with asyncio.timeout(20):
        while True:
            await source.read(">", position, most=10, wait=0.2)


def numbered(stream: str, *numbers: int, subject: str = "x") -> list[tuple[str, bytes]]:
    return [(f"{stream}.{subject}", b"%d" % number) for number in numbers]


def test_a_server_that_is_killed_and_comes_back_gives_all_it_acknowledged() -> None:
    with a_nats() as server:
        stream = asyncio.run(a_stream(server.address))
        asyncio.run(send_to_nats(server.address, *numbered(stream, *range(300))))

        async def test(source: NatsSource, lost: Lost) -> None:
            before = await read(source, ">", 1, 100)
            await asyncio.to_thread(server.kill)
            position = before[-1].position + 1
            held = list(await read_held(source, position))
            with pytest.raises(SourceUnavailable):
                await read_on(source, held[-1].position + 1 if held else position)
            await asyncio.to_thread(server.start)
            await send_to_nats(server.address, *numbered(stream, *range(300, 310)))
            after = await read(source, ">", held[-1].position + 1 if held else position, 210 - len(held))
            assert [a.data for a in [*before, *held, *after]] == [b"%d" % n for n in range(310)]
            assert lost.told == []

        with_source(server.address, stream, test)


def test_a_connection_that_was_closed_a_moment_before_is_the_servers_trouble(server: Broker) -> None:
    """The client writes before it notices; the loop's error (uvloop even raises RuntimeError) is no bug of ours."""

    async def test() -> None:
        stream = await a_stream(server.address)
        await send_to_nats(server.address, *numbered(stream, *range(2500)))
        source = NatsSource({"servers": [f"nats://{server.address}"]}, stream, lost=Lost())
        found = await read(source, ">", 1, 10)
        async with asyncio.timeout(20):
            while source.waiting[">"] < 2 * HELPING - 10:
                await asyncio.sleep(0.01)
        found += await source.read(">", 11, most=HELPING - 20, wait=0.2)
        client = source._client
        assert client is not None
        client._flusher_task.cancel()  # as when its own write has met the end of the connection first
        await asyncio.sleep(0)
        client._transport._io_writer.transport.abort()
        with pytest.raises(SourceUnavailable):
            await source.read(">", found[-1].position + 1, most=100, wait=0.2)  # the next helping is asked for
        found += await read(source, ">", found[-1].position + 1, 2500 - len(found))
        assert [arrival.data for arrival in found] == [b"%d" % n for n in range(2500)]
        await source.close()

    uvloop.run(test())


async def read_held(source: NatsSource, position: int) -> list[Arrival]:
    """Read what had been fetched already when the server died."""
    found: list[Arrival] = []
    while True:
        try:
            more = await source.read(">", found[-1].position + 1 if found else position, most=64, wait=0.1)
        except SourceUnavailable:
            return found
        if not more:
            return found
        found += more


def test_a_consumer_that_the_server_lost_is_made_anew(server: Broker) -> None:
    stream = asyncio.run(a_stream(server.address))
    asyncio.run(send_to_nats(server.address, *numbered(stream, 0, 1, 2)))

    async def test(source: NatsSource, _: Lost) -> None:
        first = await read(source, ">", 1, 3)
        client = await nats.connect(f"nats://{server.address}")
        js = client.jetstream()
        [consumer] = await js.consumers_info(stream)
        await js.delete_consumer(stream, consumer.name)
        await client.close()
        await send_to_nats(server.address, *numbered(stream, 3))
        (after,) = await read(source, ">", first[-1].position + 1, 1)
        assert after.data == b"3"

    with_source(server.address, stream, test)


def test_messages_that_were_removed_unread_are_counted_and_reading_goes_on(server: Broker) -> None:
    stream = asyncio.run(a_stream(server.address, max_msgs=40))
    asyncio.run(send_to_nats(server.address, *numbered(stream, *range(100))))

    async def test(source: NatsSource, lost: Lost) -> None:
        found = await read(source, ">", 1, 40)
        assert [a.data for a in found] == [b"%d" % n for n in range(60, 100)]
        assert lost.told == [(">", 60)]

    with_source(server.address, stream, test)


def test_a_stream_that_was_made_anew_says_so_and_loses_nothing(server: Broker) -> None:
    stream = asyncio.run(a_stream(server.address))
    asyncio.run(send_to_nats(server.address, *numbered(stream, 0)))

    async def test(source: NatsSource, _: Lost) -> None:
        with pytest.raises(PositionGone, match="ends at 1, before the position 50"):
            await read_on(source, 50)

    with_source(server.address, stream, test)


def test_subjects_are_partitions_of_their_own_and_deleted_messages_are_passed_over(server: Broker) -> None:
    stream = asyncio.run(a_stream(server.address))
    mixed = [(f"{stream}.{'ab'[n % 2]}", b"%d" % n) for n in range(20)]
    asyncio.run(send_to_nats(server.address, *mixed, (f"{stream}.c", b"not asked for")))

    async def test(source: NatsSource, lost: Lost) -> None:
        client = await nats.connect(f"nats://{server.address}")
        await client.jetstream().delete_msg(stream, 5)
        await client.close()
        a, b = await source.partitions()
        assert [x.data for x in await read(source, a, 1, 9)] == [b"%d" % n for n in range(0, 20, 2) if n != 4]
        found = await read(source, b, 1, 10)
        assert [x.data for x in found] == [b"%d" % n for n in range(1, 20, 2)]
        assert await source.end(b) == found[-1].position + 1
        assert lost.told == []

    with_source(server.address, stream, test, subjects=[f"{stream}.a", f"{stream}.b"])


def test_more_than_fits_is_not_fetched_and_all_is_read(server: Broker) -> None:
    stream = asyncio.run(a_stream(server.address))
    asyncio.run(send_to_nats(server.address, *[(f"{stream}.x", b"x" * 200_000)] * 200))

    async def test(source: NatsSource, _: Lost) -> None:
        await read(source, ">", 1, 60)
        assert source.waiting[">"] <= 120
        assert len(await read(source, ">", 61, 140)) == 140

    with_source(server.address, stream, test)


def test_tls_is_used_as_the_settings_say(tmp_path: Path) -> None:
    certificate, key = a_certificate(tmp_path)
    with a_nats(f'tls {{ cert_file: "{certificate}", key_file: "{key}" }}') as server:
        there = NatsConnection(kind="nats", servers=[f"tls://localhost:{server.port}"], ca_file=certificate.name)

        async def test(source: NatsSource, _: Lost) -> None:
            with pytest.raises(StreamMissing):
                await source.partitions()

        with_source(nats_client(tmp_path, there), "S", test)


def test_a_secret_is_used_as_the_settings_say_and_a_wrong_one_is_refused_without_being_told(tmp_path: Path) -> None:
    with a_nats('authorization { token: "open-sesame" }') as server:
        there = NatsConnection(kind="nats", servers=[f"nats://{server.address}"], secret_env="TOKEN")

        async def right(source: NatsSource, _: Lost) -> None:
            with pytest.raises(StreamMissing):
                await source.partitions()

        async def refused(source: NatsSource, _: Lost) -> None:
            with pytest.raises(SourceUnavailable, match=r"(?i)authorization") as told:
                await source.partitions()
            assert "guess" not in str(told.value)

        with_source(nats_client(tmp_path, there, {"TOKEN": "open-sesame"}), "S", right)
        with_source(nats_client(tmp_path, there, {"TOKEN": "guess"}), "S", refused)
