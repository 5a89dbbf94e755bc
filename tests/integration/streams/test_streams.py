"""Events become decisions: each once, in order, with the stream's position in the same commit."""

from pathlib import Path

import pytest
from pydantic_core import to_json
from tests.integration.streams.streaming import (
    Counting,
    cloud_event,
    decided,
    reading,
    rows,
    run,
    scalar,
    streaming,
    until,
)

from andon.kernel.db import Database
from andon.testing import MemorySource
from lines import Installation, payment


@pytest.fixture
def installation(database: Database, tmp_path: Path) -> Installation:
    return streaming(database, tmp_path)


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
            "SELECT correlation_id, convert_from(record, 'utf8')::json->'features'->>'amount_count_1h' FROM decisions ORDER BY id",
        )
        assert sorted(seen) == [("e1", "1"), ("e2", "2"), ("e3", "3"), ("e4", "4")]
        assert rows(installation, "SELECT sum(decided), sum(repeated), sum(dead) FROM stream_partitions") == [(4, 2, 0)]

    run(test)
