"""What deciding reads is found by index, in a way that is planned once and stays right when tables grow."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime

import asyncpg
import pytest

from andon.authoring import Window
from andon.decisions.reader import FeatureReader
from andon.features import FeatureSet
from andon.kernel.db import Database

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
FEATURES = FeatureSet("line", [Window("amount", by="account", over=("10m", "1h", "24h"))])
OF_TILES = "FROM pg_prepared_statements WHERE statement LIKE '%feature_tiles%' AND statement NOT LIKE '%pg_prepared%'"


class Watched(Database):
    """Remembers its connections, whose sessions alone know what they have planned."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.connections: list[asyncpg.Connection] = []

    async def connect(self, **settings: str) -> asyncpg.Connection:
        self.connections.append(await super().connect(**settings))
        return self.connections[-1]


@pytest.fixture
def watched(database: Database) -> Iterator[Watched]:
    watched = Watched(database.url)
    yield watched
    watched.close()


async def read_one_by_one(reader: FeatureReader, count: int) -> None:
    for number in range(count):
        await reader.read(FEATURES.needs([{"account": f"account {number}", "amount": 1.0}], [NOW]))


def test_how_the_tiles_of_a_key_are_found_is_planned_once_for_all(watched: Watched) -> None:
    async def planned() -> list[tuple[int, int]]:
        reader = FeatureReader(watched)
        await read_one_by_one(reader, 8)
        [connection] = watched.connections
        found = [tuple(row) for row in await connection.fetch(f"SELECT generic_plans, custom_plans {OF_TILES}")]
        await reader.close()
        return found

    assert asyncio.run(planned()) == [(8, 0)]


def test_what_was_planned_while_there_was_nothing_goes_by_index_too(watched: Watched) -> None:
    async def plan() -> str:
        reader, cleaning = FeatureReader(watched), await asyncpg.connect(watched.url)
        await cleaning.execute("VACUUM ANALYZE feature_tiles")
        await cleaning.close()
        await read_one_by_one(reader, 1)
        [connection] = watched.connections
        name = await connection.fetchval(f"SELECT name {OF_TILES}")
        count = await connection.fetchval(f"SELECT cardinality(parameter_types) {OF_TILES}")
        given = ", ".join(["NULL"] * count)
        lines = [row[0] for row in await connection.fetch(f'EXPLAIN EXECUTE "{name}"({given})')]
        await reader.close()
        return "\n".join(lines)

    said = asyncio.run(plan())
    assert "feature_tiles_pkey" in said
    assert "Seq Scan" not in said
