"""Tiles in PostgreSQL and in memory behave alike: what was written is read, merged, and forgotten in time."""

import asyncio
import random
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any, Protocol

import pytest
from sqlalchemy import text

from andon.authoring import Window
from andon.features import (
    PRUNED_AT_ONCE,
    FeatureSet,
    MemoryTiles,
    Needs,
    Snapshot,
    TileDelta,
    columns_of,
    insert_sql,
)
from andon.kernel.db import Database, DatabaseUnavailable
from integration.features.postgres_tiles import NOW, VELOCITY, PostgresTiles


class Store(Protocol):
    """What both kinds of tiles can do, as a test sees it."""

    def read(self, needs: Needs) -> Snapshot: ...
    def write(self, deltas: Iterable[TileDelta]) -> None: ...
    def prune(self, now: datetime) -> int: ...


@pytest.fixture(params=["postgres", "memory"])
def tiles(request: pytest.FixtureRequest) -> Store:
    return PostgresTiles(request.getfixturevalue("database")) if request.param == "postgres" else MemoryTiles()


def seen(tiles: Store, features: FeatureSet, *batch: tuple[dict[str, Any], datetime]) -> list[dict[str, Any]]:
    """What a batch sees; afterwards it is recorded."""
    inputs, at = [row for row, _ in batch], [moment for _, moment in batch]
    computed = features.compute(inputs, at, tiles.read(features.needs(inputs, at)))
    tiles.write(computed.deltas)
    return computed.rows


def transfer(amount: float | None, account: Any = "A") -> dict[str, Any]:
    return {"amount": amount, "account": account}


def test_a_batch_sees_what_earlier_batches_recorded(tiles: Store) -> None:
    features = FeatureSet("line", [VELOCITY])
    seen(tiles, features, (transfer(10.0), NOW), (transfer(5.0, "B"), NOW))
    [row] = seen(tiles, features, (transfer(30.0), NOW + timedelta(minutes=30)))
    assert (row["amount_count_10m"], row["amount_sum_10m"]) == (1, 30.0)
    assert (row["amount_count_1h"], row["amount_sum_1h"], row["amount_mean_1h"]) == (2, 40.0, 20.0)
    assert (row["amount_min_24h"], row["amount_max_24h"]) == (10.0, 30.0)


def test_the_second_of_two_in_one_batch_sees_the_first_and_both_are_recorded(tiles: Store) -> None:
    features = FeatureSet("line", [VELOCITY])
    rows = seen(tiles, features, (transfer(1.0), NOW), (transfer(2.0), NOW))
    assert [row["amount_count_10m"] for row in rows] == [1, 2]
    [after] = seen(tiles, features, (transfer(4.0), NOW + timedelta(seconds=1)))
    assert (after["amount_count_10m"], after["amount_sum_10m"], after["amount_max_10m"]) == (3, 7.0, 4.0)


def test_automations_fields_and_accounts_do_not_see_each_other(tiles: Store) -> None:
    mine, other = FeatureSet("line", [VELOCITY]), FeatureSet("other", [VELOCITY])
    seen(tiles, mine, (transfer(1.0), NOW))
    assert seen(tiles, other, (transfer(1.0), NOW))[0]["amount_count_1h"] == 1
    assert seen(tiles, mine, (transfer(1.0, "B"), NOW))[0]["amount_count_1h"] == 1


def test_a_value_that_is_no_number_is_not_counted(tiles: Store) -> None:
    features = FeatureSet("line", [VELOCITY])
    for amount in (None, float("nan"), float("inf"), 1e300):
        [row] = seen(tiles, features, (transfer(amount), NOW))
        assert (row["amount_count_1h"], row["amount_sum_1h"], row["amount_max_1h"]) == (0, 0.0, None)


@pytest.mark.parametrize("account", ["x" * 10_000, "a\x00b", "\ud800", "", "Zoë", 7, True, NOW])
def test_any_value_may_name_an_account(tiles: Store, account: Any) -> None:
    features = FeatureSet("line", [VELOCITY])
    seen(tiles, features, (transfer(1.0, account), NOW))
    assert seen(tiles, features, (transfer(1.0, account), NOW))[0]["amount_count_1h"] == 2


def test_sums_of_the_largest_values_that_count_stay_numbers(tiles: Store) -> None:
    features = FeatureSet("line", [VELOCITY])
    for _ in range(3):
        [row] = seen(tiles, features, (transfer(1e100), NOW))
    assert row["amount_sum_1h"] == pytest.approx(3e100)


def test_pruning_forgets_nothing_that_a_window_still_reaches(tiles: Store) -> None:
    features = FeatureSet("line", [Window("amount", by="account", over=("10m",))])
    seen(tiles, features, (transfer(1.0), NOW))
    assert tiles.prune(NOW + timedelta(minutes=10)) == 0
    assert seen(tiles, features, (transfer(1.0), NOW + timedelta(minutes=9)))[0]["amount_count_10m"] == 2
    assert tiles.prune(NOW + timedelta(minutes=15)) == 1
    assert tiles.prune(NOW + timedelta(days=1)) == 1


def test_what_windows_see_does_not_depend_on_which_tiles_have_grown(tiles: Store) -> None:
    """A day of two accounts, one of them busy: late ones among them, pruned as time goes, against tiles that are never pruned."""
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
    """Merged in another order, a deviation differs in its last digits."""
    return {name: round(value, 9) if isinstance(value, float) else value for name, value in row.items()}


def seen_by_nobody(tiles: Store, features: FeatureSet, at: datetime, account: str = "A") -> dict[str, Any]:
    """What an input sees that is not recorded."""
    inputs = [transfer(9.0, account)]
    return features.compute(inputs, [at], tiles.read(features.needs(inputs, [at]))).rows[0]


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
        with pytest.raises(DatabaseUnavailable, match="gave up"):
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


def test_pruning_goes_on_until_all_is_gone(database: Database) -> None:
    tiles = PostgresTiles(database)
    features = FeatureSet("line", [Window("amount", by="account", over=("1m",))])
    batch = [(transfer(1.0, str(number)), NOW) for number in range(PRUNED_AT_ONCE + 5)]
    seen(tiles, features, *batch)
    assert [tiles.prune(NOW + timedelta(hours=1)) for _ in range(3)] == [PRUNED_AT_ONCE, 5, 0]


def test_two_gateways_that_write_the_same_accounts_lose_nothing_and_do_not_deadlock(database: Database) -> None:
    features = FeatureSet("line", [VELOCITY])
    accounts = [str(number) for number in range(20)]

    async def gateway(order: Callable[[list[str]], list[str]]) -> None:
        connection = await database.connect()
        for _ in range(25):
            inputs = [transfer(1.0, account) for account in order(accounts)]
            computed = features.compute(inputs, [NOW] * len(inputs), {})
            await connection.execute(insert_sql(1, more=False), *columns_of(computed.deltas, more=False))
        await connection.close()

    async def both() -> None:
        await asyncio.gather(gateway(list), gateway(lambda all_: list(reversed(all_))))

    asyncio.run(both())
    [row] = seen(PostgresTiles(database), features, (transfer(1.0, "7"), NOW))
    assert (row["amount_count_1h"], row["amount_sum_24h"]) == (51, 51.0)


MORE = Window("amount", by="account", over=("10m", "24h"), aggregates=("std", "distinct", "last", "since"))
COUNTRIES = Window("country", by="account", over=("24h",), aggregates=("count", "distinct", "last", "since"))


def test_std_distinct_last_and_since_go_on_where_earlier_batches_ended(tiles: Store) -> None:
    features = FeatureSet("line", [MORE, COUNTRIES])
    for seconds, amount, country in ((0, 10.0, "DE"), (30, 20.0, "FR"), (61.5, 60.0, "DE")):
        at = NOW + timedelta(seconds=seconds)
        [row] = seen(tiles, features, ({"amount": amount, "account": "A", "country": country}, at))
    assert (row["amount_distinct_24h"], row["amount_last_10m"], row["amount_since_10m"]) == (3, 20.0, 31.5)
    assert row["amount_std_24h"] == row["amount_std_10m"] == pytest.approx(26.457513110645905, rel=1e-12)
    assert (row["country_count_24h"], row["country_distinct_24h"], row["country_last_24h"]) == (3, 2, "FR")


def test_what_comes_late_is_not_the_last_but_a_tie_is(tiles: Store) -> None:
    features = FeatureSet("line", [MORE])
    seen(tiles, features, (transfer(1.0), NOW + timedelta(seconds=5)))
    seen(tiles, features, (transfer(2.0), NOW + timedelta(seconds=1)))
    assert seen(tiles, features, (transfer(3.0), NOW + timedelta(seconds=5)))[0]["amount_last_10m"] == 1.0
    [row] = seen(tiles, features, (transfer(4.0), NOW + timedelta(seconds=6)))
    assert (row["amount_last_10m"], row["amount_since_10m"]) == (3.0, 1.0)


def test_many_different_values_are_told_alike_wherever_they_are_kept(tiles: Store) -> None:
    features = FeatureSet("line", [MORE])
    for batch in range(4):
        rows = [(transfer(float(number)), NOW) for number in range(60 * batch, 60 * batch + 80)]
        told = seen(tiles, features, *rows)[-1]["amount_distinct_24h"]
    in_memory = FeatureSet("line", [MORE]).compute([transfer(float(n)) for n in range(260)], [NOW] * 260, {}).rows[-1]
    assert told == in_memory["amount_distinct_24h"]
    assert told == pytest.approx(260, rel=0.3)


def test_what_was_not_kept_when_a_tile_was_written_is_missing_until_the_window_has_passed_it(tiles: Store) -> None:
    before, after = FeatureSet("line", [VELOCITY]), FeatureSet("line", [VELOCITY, MORE])
    seen(tiles, before, (transfer(1.0), NOW))
    [row] = seen(tiles, after, (transfer(3.0), NOW + timedelta(seconds=30)))
    told = [row[f"amount_{aggregate}_10m"] for aggregate in ("count", "sum", "std", "distinct", "last", "since")]
    assert told == [2, 4.0, None, None, None, None]
    [row] = seen(tiles, after, (transfer(5.0), NOW + timedelta(seconds=605)))
    assert (row["amount_std_10m"], row["amount_last_10m"]) == (pytest.approx(2**0.5), 3.0)
    seen(tiles, before, (transfer(9.0), NOW + timedelta(seconds=606)))  # a gateway that is not restarted yet
    [row] = seen(tiles, after, (transfer(5.0), NOW + timedelta(seconds=607)))
    assert (row["amount_count_10m"], row["amount_std_10m"]) == (4, None)


def test_values_that_are_hardly_more_than_nothing_can_be_merged(tiles: Store) -> None:
    features = FeatureSet("line", [MORE])
    for amount in (5e-324, -1e-200, 1e-100, 2e-100):
        [row] = seen(tiles, features, (transfer(amount), NOW))
    assert (row["amount_distinct_10m"], row["amount_last_10m"]) == (3, 1e-100)  # the one before
    assert row["amount_std_10m"] == pytest.approx(0.0, abs=1e-99)


def test_deltas_of_several_batches_are_one_write(tiles: Store) -> None:
    features = FeatureSet("line", [MORE])
    first = features.compute([transfer(1.0)], [NOW], {}).deltas
    second = features.compute([transfer(4.0), transfer(4.0)], [NOW, NOW], {}).deltas
    tiles.write([*first, *second])
    [row] = seen(tiles, features, (transfer(1.0), NOW))
    assert (row["amount_distinct_10m"], row["amount_last_10m"]) == (2, 4.0)
    assert row["amount_std_10m"] == pytest.approx(3**0.5)


def test_tiles_that_grow_while_gateways_write_lose_nothing(database: Database) -> None:
    """Each tile grows as soon as it is there, again and again, while others add to it."""
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
