"""Events become decisions: each once, in order, with the stream's position in the same commit."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from uuid import uuid4

import pytest
from pydantic_core import to_json
from tests.integration.streams.streaming import (
    KEY,
    MEMORY,
    Counting,
    Forwarder,
    cloud_event,
    decided,
    reading,
    rows,
    run,
    scalar,
    sound,
    streaming,
    until,
)

from andon import Trigger
from andon.decisions import BatchDecider, Fenced, Unwatched
from andon.kernel.db import Database
from andon.streams import Arrival, journal, places
from andon.streams.progress import Progress
from andon.streams.reading import ArrivalReader
from andon.streams.runner import LANES
from andon.streams.store import streams
from andon.testing import MemorySource
from automations import payment
from lines import Installation

POOL = 10
"""Connections that the cold side of a process has at most."""


@pytest.fixture
def installation(database: Database, tmp_path: Path) -> Installation:
    return streaming(database, tmp_path)


@pytest.fixture
def forwarder(database: Database) -> Forwarder:
    return Forwarder(database.url)


def test_every_event_is_decided_and_the_position_moves_with_it(installation: Installation) -> None:
    async def test() -> None:
        source, watch = MemorySource(), Counting()
        for number in range(1200):
            source.send(to_json(payment(number)), key="k")
        async with reading(installation, source, watch=watch):
            await until(lambda: decided(installation) == 1200)
        assert source.closed
        assert all(batch.decided <= 500 for batch in watch.batches)
        assert scalar(installation, "SELECT position FROM stream_partitions") == 1200
        assert scalar(installation, "SELECT decided FROM stream_partitions") == 1200

    run(test)


def test_a_partition_far_behind_keeps_no_other_of_its_lane_waiting(installation: Installation) -> None:
    short = "SELECT count(*) FROM stream_partitions WHERE position = 1"

    async def test() -> None:
        source, many = MemorySource(partitions=8), 6000
        for number in range(many):
            source.send(to_json(payment(number)), key="0")
        for partition in range(1, 8):
            source.send(to_json(payment(many + partition)), key=str(partition))
        async with reading(installation, source):
            await until(lambda: scalar(installation, short) == 7)
            assert scalar(installation, "SELECT position FROM stream_partitions WHERE partition = '0'") < many

    run(test)


def test_another_process_goes_on_where_the_first_ended(installation: Installation) -> None:
    async def test() -> None:
        source = MemorySource(partitions=3)
        for number in range(30):
            source.send(to_json(payment(number)), key=f"k{number}")
        async with reading(installation, source):
            await until(lambda: decided(installation) == 30)
        for number in range(30, 60):
            source.send(to_json(payment(number)), key=f"k{number}")
        async with reading(installation, source):
            await until(lambda: decided(installation) == 60)
        assert scalar(installation, "SELECT count(DISTINCT record) FROM decisions") == 60

    run(test)
    assert sound(installation)


def test_an_event_that_comes_twice_is_decided_once_and_seen_once(installation: Installation) -> None:
    """The second copies are in the same batch, in a later one, and in another partition."""

    async def test() -> None:
        source = MemorySource(partitions=2)
        for number in (1, 2, 1, 3):
            data, headers = cloud_event(number)
            source.send(data, headers=headers, key="a")
        async with reading(installation, source):
            await until(lambda: decided(installation) == 3)
            for number in (2, 4):
                data, headers = cloud_event(number)
                source.send(data, headers=headers, key="b")
            await until(lambda: decided(installation) == 4)
        seen = rows(
            installation,
            "SELECT correlation_id, convert_from(record, 'utf8')::json->'features'->>'amount_count_1h' FROM "
            "decisions ORDER BY id",
        )
        assert sorted(seen) == [("e1", "1"), ("e2", "2"), ("e3", "3"), ("e4", "4")]
        assert rows(installation, "SELECT sum(decided), sum(repeated), sum(dead) FROM stream_partitions") == [(4, 2, 0)]

    run(test)
    assert sound(installation)


def test_the_order_of_a_key_is_kept_across_partitions_and_processes(installation: Installation) -> None:
    async def test() -> None:
        source = MemorySource(partitions=4)
        async with reading(installation, source), reading(installation, source):
            for number in range(400):
                source.send(to_json(payment(number, account=f"a{number % 7}")), key=f"a{number % 7}")
                if number % 50 == 0:
                    await until(lambda sent=number: decided(installation) >= sent)
            await until(lambda: decided(installation) == 400)
        seen = rows(
            installation,
            "SELECT r->'input'->>'account', (substring(r->'input'->>'payment_id' from 2))::int, "
            "(r->'features'->>'amount_count_1h')::int FROM (SELECT convert_from(record, 'utf8')::json AS r FROM "
            "decisions) AS d ORDER BY 1, 2",
        )
        by_account: dict[str, list[int]] = {}
        for account, _, count in seen:
            by_account.setdefault(account, []).append(count)
        assert all(counts == list(range(1, len(counts) + 1)) for counts in by_account.values())

    run(test)


def test_two_processes_share_the_partitions_and_one_takes_over_when_the_other_ends(installation: Installation) -> None:
    async def test() -> None:
        source = MemorySource(partitions=4)

        def shares() -> list[int]:
            found = rows(installation, "SELECT count(*) FROM stream_partitions WHERE owner IS NOT NULL GROUP BY owner")
            return sorted(row[0] for row in found)

        async with reading(installation, source):
            await until(lambda: shares() == [4])
            async with reading(installation, source):
                await until(lambda: shares() == [2, 2])
            await until(lambda: shares() == [4])
            for number in range(20):
                source.send(to_json(payment(number)), key=f"k{number}")
            await until(lambda: decided(installation) == 20)

    run(test)
    assert sound(installation)


def test_what_a_process_had_that_is_not_heard_of_any_more_is_taken_over_within_ten_seconds(
    installation: Installation,
) -> None:
    async def test() -> None:
        source = MemorySource(partitions=2)
        with installation.database.begin() as tx:
            streams.declare(tx, KEY)
            journal.add_partitions(tx, KEY, ["0", "1"], installation.clock.now())
            assert len(places.keep(tx, KEY, uuid4())) == 2  # and then it is killed
        source.send(to_json(payment(1)), key="a")
        began = perf_counter()
        async with reading(installation, source):
            await until(lambda: decided(installation) == 1)
        assert places.LEASE.total_seconds() - 2 < perf_counter() - began < 10

    run(test)
    assert sound(installation)


def test_a_zombie_records_nothing(installation: Installation) -> None:
    """It read ahead, slept, and its partition was taken meanwhile: its batch is refused whole."""

    async def test() -> None:
        zombie, living, now = uuid4(), uuid4(), installation.clock.now()
        with installation.database.begin() as tx:
            streams.declare(tx, KEY)
            journal.add_partitions(tx, KEY, ["0"], now)
            places.keep(tx, KEY, zombie)
            journal.place(tx, KEY, "0", 0, 0, owner=zombie, seek="start", now=now)
        reader = ArrivalReader(KEY, MEMORY, installation.deployment.line("payments").contract)
        chunk = reader.read("0", 0, [Arrival(0, *cloud_event(1))], now)
        with installation.database.begin() as tx:
            streams.leave(tx, KEY, zombie)
            places.keep(tx, KEY, living)
        decider = BatchDecider(
            installation.database,
            installation.deployment.line,
            clock=installation.clock,
            controls=installation.deployment.controls,
            watcher=Unwatched(),
        )
        with pytest.raises(Fenced):
            await decider.decide(chunk.requests, Progress(KEY, zombie, reader, [chunk], now))
        assert decided(installation) == 0
        assert scalar(installation, "SELECT count(*) FROM idempotency_keys") == 0
        await decider.decide(chunk.requests, Progress(KEY, living, reader, [chunk], now))
        assert decided(installation) == 1
        with pytest.raises(Fenced):
            await decider.decide([], Progress(KEY, living, reader, [chunk], now))
        await decider.close()

    run(test)
    assert sound(installation)


def test_a_source_that_is_down_is_tried_again_and_its_stream_says_so(installation: Installation) -> None:
    async def test() -> None:
        source, watch = MemorySource(), Counting()
        source.silent = True
        source.send(to_json(payment(1)))
        async with reading(installation, source, watch=watch):
            await until(lambda: scalar(installation, "SELECT max(problem) FROM streams") is not None)
            assert "in memory does not answer" in scalar(installation, "SELECT problem FROM streams")
            await until(lambda: watch.failures >= 3)
            source.silent = False
            await until(lambda: decided(installation) == 1)
            await until(lambda: scalar(installation, "SELECT problem FROM streams") is None)
            source.missing = True
            await until(lambda: scalar(installation, "SELECT problem FROM streams") is not None)
            assert "no partition" in scalar(installation, "SELECT problem FROM streams")

    run(test)


def test_many_streams_hold_no_more_connections_than_one(database: Database, tmp_path: Path) -> None:
    triggers = [Trigger("memory", f"payments-{number}") for number in range(6)]
    installation = streaming(database, tmp_path, *triggers)
    sources = {trigger.place: MemorySource(partitions=4) for trigger in triggers}

    async def test() -> None:
        for source in sources.values():
            for number in range(200):
                source.send(to_json(payment(number)), key=str(number))
        async with reading(installation, MemorySource(), open_source=lambda _, trigger: sources[trigger.place]):
            await until(lambda: decided(installation) == 6 * 200)
            held = scalar(installation, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
        assert held <= 2 * LANES + POOL

    run(test)


class BreakingOff(MemorySource):
    """Ends its first reader, as a client does that cancels what it waits for."""

    broke = False

    async def read(self, partition: str, position: int, *, most: int, wait: float) -> Sequence[Arrival]:
        if not self.broke:
            self.broke = True
            raise asyncio.CancelledError
        return await super().read(partition, position, most=most, wait=wait)


def test_a_partition_whose_reading_broke_off_is_read_anew(installation: Installation) -> None:
    async def test() -> None:
        source = BreakingOff()
        source.send(to_json(payment(1)))
        async with reading(installation, source):
            await until(lambda: decided(installation) == 1)

    run(test)


def test_ten_thousand_keys_at_once_are_decided(installation: Installation) -> None:
    async def test() -> None:
        source = MemorySource(partitions=4)
        for number in range(10_000):
            source.send(to_json(payment(number, account=f"a{number}")), key=f"a{number}")
        async with reading(installation, source):
            await until(lambda: decided(installation) == 10_000, seconds=90)

    run(test)


def test_a_commit_whose_answer_was_lost_is_not_made_twice(installation: Installation, forwarder: Forwarder) -> None:
    """The connection is cut again and again while batches are recorded."""

    async def test() -> None:
        source = MemorySource(partitions=2)
        for number in range(3000):
            data, headers = cloud_event(number)
            source.send(data, headers=headers if number % 2 else {}, key=f"k{number}")
        database = Database(forwarder.url)
        async with forwarder, reading(installation, source, database=database):
            while decided(installation) < 3000:
                await asyncio.sleep(0.15)
                forwarder.cut()
        database.close()
        assert decided(installation) == 3000
        assert (
            scalar(
                installation,
                "SELECT count(DISTINCT convert_from(record, 'utf8')::json->'input'->>'payment_id') FROM decisions",
            )
            == 3000
        )
        assert forwarder.cuts > 3
        assert scalar(installation, "SELECT sum(decided) FROM stream_partitions") == 3000

    run(test)
    assert sound(installation)
