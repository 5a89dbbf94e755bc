"""Tiles grow wider as they age, in PostgreSQL and in memory alike, and no window sees anything of it."""

import asyncio
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from andon.authoring import Window
from andon.features import (
    FeatureSet,
    MemoryTiles,
    columns_of,
    insert_sql,
)
from andon.kernel.db import Database, DatabaseUnavailable
from integration.features.inputs import COUNTRIES, MORE, Store, seen, seen_by_nobody, transfer
from integration.features.postgres_tiles import NOW, VELOCITY, PostgresTiles


def test_what_windows_see_does_not_depend_on_which_tiles_have_grown(tiles: Store) -> None:
    """A day of two accounts, one busy, with late inputs, pruned as time goes, against tiles that are never pruned."""
    draw, kept, lateness = random.Random(3), MemoryTiles(), timedelta(hours=1)
    features = FeatureSet("line", [VELOCITY, MORE, COUNTRIES], lateness=lateness)
    pruned, came = 0, NOW
    for _ in range(60):
        came += timedelta(seconds=draw.choice([3, 40, 600, 3_000]))
        batch = [
            {
                "amount": float(draw.randrange(-9, 9)),
                "account": draw.choice("AAB"),
                "country": draw.choice(["DE", "FR"]),
            }
        ] * 3
        at = [came - timedelta(seconds=draw.choice([0, 0, 7, 1_000, 3_600, 5_000])) for _ in batch]
        asked = [came] * len(batch)
        needs = features.needs(batch, at, asked)
        computed = features.compute(batch, at, tiles.read(needs), asked=asked)
        expected = features.compute(batch, at, kept.read(needs), asked=asked)
        assert [rounded(row) for row in computed.rows] == [rounded(row) for row in expected.rows]
        tiles.write(computed.deltas)
        kept.write(expected.deltas)
        if draw.random() < 0.5:
            pruned += tiles.prune(came)
    assert pruned > 50


def test_a_tile_grows_with_what_it_holds_until_nothing_looks_at_it(tiles: Store) -> None:
    features = FeatureSet("line", [MORE])
    rows = [
        (transfer(amount), NOW + timedelta(seconds=seconds)) for seconds, amount in ((3, 1.0), (25, 4.0), (47, 4.0))
    ]
    seen(tiles, features, *rows)
    later = NOW + timedelta(hours=2)
    before = seen_by_nobody(tiles, features, later)
    assert tiles.prune(later) == 3
    assert seen_by_nobody(tiles, features, later) == before
    assert (before["amount_distinct_24h"], before["amount_last_24h"], before["amount_since_24h"]) == (3, 4.0, 7_153.0)
    assert tiles.prune(later) == 0
    [need] = features.needs([transfer(9.0)], [later])
    [grown] = tiles.read([need._replace(cuts=())])[need.series]["A"]
    assert (grown.start, grown.entries, grown.total) == (int(NOW.timestamp()), 3, 9.0)
    assert grown.more is not None
    assert grown.more.members is not None
    assert len(grown.more.members) == 2  # each value once
    assert tiles.prune(NOW + timedelta(days=2)) == 1
    assert tiles.prune(NOW + timedelta(days=2)) == 0


def test_the_last_text_is_that_of_the_newest_tile_that_grew(tiles: Store) -> None:
    features = FeatureSet("line", [Window("country", by="account", over=("10m", "24h"), aggregates=("last",))])
    for seconds, country in ((0, "FR"), (20, "DE"), (40, "IT")):
        seen(tiles, features, ({"account": "A", "country": country}, NOW + timedelta(seconds=seconds)))
    at, row = NOW + timedelta(hours=3), {"account": "A", "country": "FR"}
    assert tiles.prune(at) == 3
    [told] = features.compute([row], [at], tiles.read(features.needs([row], [at]))).rows
    assert told["country_last_24h"] == "IT"


def test_a_tile_grows_step_by_step_and_is_kept_no_longer_than_its_longest_window(tiles: Store) -> None:
    """One of the narrow tiles begins where the wide ones do, and is not due when the other is."""
    features = FeatureSet("line", [Window("amount", by="account", over=("10m", "24h", "30d"))])
    late = features.compute([transfer(1.0)], [NOW], {}, now=NOW + timedelta(minutes=30)).deltas
    tiles.write([*late, *features.compute([transfer(1.0)], [NOW + timedelta(seconds=20)], {}).deltas])

    def starts() -> list[int]:
        [need] = features.needs([transfer(1.0)], [NOW + timedelta(days=1)])
        return [tile[0] - int(NOW.timestamp()) for tile in tiles.read([need._replace(cuts=())])[need.series]["A"]]

    assert (tiles.prune(NOW + timedelta(minutes=20)), starts()) == (1, [0])
    assert tiles.prune(NOW + timedelta(hours=20)) == 0
    assert (tiles.prune(NOW + timedelta(days=2)), starts()) == (1, [-start_within_month()])
    assert tiles.prune(NOW + timedelta(days=29)) == 0
    assert [tiles.prune(NOW + timedelta(days=32)) for _ in range(2)] == [1, 0]


def start_within_month() -> int:
    """Seconds since the tile of a window of 30 days began, of which one is half a day wide."""
    return int(NOW.timestamp()) % 43_200


def rounded(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row rounded: merged in another order, a deviation differs in its last digits."""
    return {name: round(value, 9) if isinstance(value, float) else value for name, value in row.items()}


def test_what_comes_to_a_stretch_whose_tiles_have_grown_is_counted_too(tiles: Store) -> None:
    """As from a stream that stood still while its events waited."""
    features = FeatureSet("line", [VELOCITY, MORE])
    moments = [NOW, NOW + timedelta(seconds=30)]
    for moment in moments:
        seen(tiles, features, (transfer(1.0), moment))
    tiles.prune(NOW + timedelta(hours=2))
    for moment in moments:
        seen(tiles, features, (transfer(2.0), moment))
    for hours in (3, 4):
        row = seen_by_nobody(tiles, features, NOW + timedelta(hours=hours))
        assert (row["amount_count_24h"], row["amount_sum_24h"], row["amount_last_24h"]) == (5, 15.0, 2.0)
        tiles.prune(NOW + timedelta(hours=hours))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (("24h",), ("10m", "24h")),
        (("10m", "24h"), ("24h",)),
        (("10m", "24h"), ("1m", "24h")),
        (("1m", "24h"), ("10m", "24h")),
    ],
)
def test_a_window_goes_on_when_others_come_or_go(
    database: Database, before: tuple[str, ...], after: tuple[str, ...]
) -> None:
    tiles = PostgresTiles(database)
    seen(tiles, counting(*before), (transfer(1.0), NOW + timedelta(minutes=10)))
    for hour in (1, 2, 5, 9):
        [row] = seen(tiles, counting(*after), (transfer(1.0), NOW + timedelta(hours=hour)))
        assert row["amount_count_24h"] == 1 + [1, 2, 5, 9].index(hour) + 1
        tiles.prune(NOW + timedelta(hours=hour, minutes=30))


def counting(*over: str, lateness: timedelta = timedelta(hours=1)) -> FeatureSet:
    """One line of windows that are as long as that."""
    return FeatureSet("line", [Window("amount", by="account", over=over, aggregates=("count",))], lateness=lateness)


def test_tiles_of_a_window_that_was_taken_away_do_not_grow(database: Database) -> None:
    tiles = PostgresTiles(database)
    seen(tiles, counting("10m", "24h"), (transfer(1.0), NOW))
    seen(tiles, counting("10m"), (transfer(1.0), NOW + timedelta(hours=3)))
    assert [tiles.prune(NOW + timedelta(hours=9)) for _ in range(2)] == [2, 0]
    assert tiles.prune(NOW + timedelta(days=9)) == 0


def test_growing_gives_way_to_who_decides_and_loses_nothing(database: Database) -> None:
    tiles, features = PostgresTiles(database), counting("10m", "24h")
    for seconds in (0, 20):
        seen(tiles, features, (transfer(1.0), NOW + timedelta(seconds=seconds)))
    tiles.prune(NOW + timedelta(hours=2))
    seen(tiles, features, (transfer(1.0), NOW + timedelta(seconds=20)))
    with database.begin() as deciding:
        deciding.execute(text("UPDATE feature_tiles SET entries = entries WHERE width = 1440"))
        with pytest.raises(DatabaseUnavailable, match="aborted the work"):
            tiles.prune(NOW + timedelta(hours=2))
    assert tiles.prune(NOW + timedelta(hours=2)) == 1
    assert seen_by_nobody(tiles, features, NOW + timedelta(hours=3))["amount_count_24h"] == 4


@pytest.mark.parametrize(("before", "after"), [(1, 10), (10, 1)])
def test_a_window_goes_on_when_the_lateness_changes(database: Database, before: int, after: int) -> None:
    """Of ten hours of lateness narrow tiles do not grow."""
    tiles = PostgresTiles(database)
    seen(tiles, counting("10m", "24h", lateness=timedelta(hours=before)), (transfer(1.0), NOW))
    for number, hour in enumerate((3, 13, 23)):
        at = NOW + timedelta(hours=hour)
        [row] = seen(tiles, counting("10m", "24h", lateness=timedelta(hours=after)), (transfer(1.0), at))
        assert row["amount_count_24h"] == number + 2
        tiles.prune(at + timedelta(minutes=30))


def test_tiles_that_grow_while_gateways_write_lose_nothing(database: Database) -> None:
    """Each tile grows as soon as it exists, while others add to it."""
    features = FeatureSet("line", [VELOCITY, MORE])
    accounts = [str(number) for number in range(20)]
    tiles, ended = PostgresTiles(database), threading.Event()
    seen(tiles, features, *((transfer(1.0, account), NOW) for account in accounts))  # where the wide tiles begin

    async def gateway() -> None:
        connection = await database.connect()
        for number in range(60):
            at = [NOW + timedelta(seconds=10 * (number % 3))] * len(accounts)
            computed = features.compute([transfer(1.0, account) for account in accounts], at, {})
            await connection.execute(insert_sql(1, more=True), *columns_of(computed.deltas, more=True))
        await connection.close()

    async def both() -> None:
        await asyncio.gather(gateway(), gateway())

    def grow() -> int:
        grown = 0
        while not ended.is_set():
            grown += tiles.prune(NOW + timedelta(hours=2))
        return grown

    with ThreadPoolExecutor() as pool:
        growing = pool.submit(grow)
        asyncio.run(both())
        ended.set()
        assert growing.result(timeout=10) > len(accounts)
    for account in accounts:
        row = seen_by_nobody(tiles, features, NOW + timedelta(hours=3), account)
        assert row["amount_count_24h"] == 1 + 2 * 60 + 1
