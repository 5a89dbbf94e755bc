"""Tiles in PostgreSQL and in memory behave alike: what was written is read, merged, and forgotten in time."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from andon.authoring import Window
from andon.features import (
    PRUNED_AT_ONCE,
    FeatureSet,
    columns_of,
    insert_sql,
)
from andon.kernel.db import Database
from integration.features.inputs import COUNTRIES, MORE, Store, seen, transfer
from integration.features.postgres_tiles import NOW, VELOCITY, PostgresTiles


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
