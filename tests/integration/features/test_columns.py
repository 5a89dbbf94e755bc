"""Many inputs within one tile are added up as columns: they see and add what each of them would by itself."""

import random
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from andon.authoring import Window
from andon.features import (
    FeatureSet,
    MemoryTiles,
    TileDelta,
    columns_of,
)
from andon.features.columns import MANY, Delta, Stretches, TileColumns, each
from andon.kernel.db import Database
from integration.features.postgres_tiles import NOW, VELOCITY, PostgresTiles

COUNTRIES = Window("country", by="account", over=("1h",), aggregates=("count",))
LONG = timedelta(hours=10)
"""With so long a lateness the narrow tiles of a window do not grow: the wider ones are a series of their own."""


def some(draw: random.Random, count: int, accounts: int) -> list[dict[str, Any]]:
    """Return inputs of whole amounts, so that the order of sums does not matter; some lack an amount or an account."""
    names = [f"account {number}" for number in range(accounts)]
    return [
        {
            "account": draw.choices([draw.choice(names), "busy", None], [0.9, 0.08, 0.02])[0],
            "amount": None if draw.random() < 0.1 else float(draw.randrange(-500, 500)),
            "country": draw.choice(["DE", "FR", None]),
        }
        for _ in range(count)
    ]


def stored(database: Database) -> list[Any]:
    query = text("SELECT series, value, start, entries, total, least, most, until FROM feature_tiles ORDER BY 1, 2, 3")
    with database.begin() as tx:
        return [tuple(row) for row in tx.execute(query)]


@pytest.mark.parametrize("by_driver", [True, False], ids=["by the driver", "prepared"])
@pytest.mark.parametrize("seed", range(4))
def test_a_batch_within_one_tile_sees_and_adds_what_a_batch_of_any_time_does(
    database: Database, seed: int, by_driver: bool
) -> None:
    draw, features, memory = random.Random(seed), FeatureSet("line", [VELOCITY, COUNTRIES]), MemoryTiles()
    tiles, together, kept = PostgresTiles(database), 0, dict[tuple[int, str, int], TileDelta]()
    for number in range(12):
        batch = some(draw, 90, accounts=80)
        second = NOW + timedelta(seconds=number * draw.choice([1, 9, 300, 4000]))
        at = [second + timedelta(seconds=draw.random() * (0.999 if number % 4 else 30)) for _ in batch]
        needs = features.needs(batch, at)
        snapshot = tiles.read(needs)
        alike = {moment.timestamp() // 10 for moment in at} == {second.timestamp() // 10}
        assert all(isinstance(one, Stretches) for one in snapshot.values()) == alike
        together += alike
        computed, expected = features.compute(batch, at, snapshot), features.compute(batch, at, memory.read(needs))
        assert computed.rows == expected.rows
        assert any(isinstance(delta, TileColumns) for delta in computed.deltas) == alike
        assert sorted(each(computed.deltas), key=repr) == sorted(each(expected.deltas), key=repr)
        (tiles.write if by_driver else tiles.write_prepared)(computed.deltas)
        memory.write(expected.deltas)
        for one in each(expected.deltas):
            before = kept.get((one.series.id, one.value, one.start))
            kept[one.series.id, one.value, one.start] = one if before is None else before.merged(one)
    assert together == 9
    assert stored(database) == [
        (*place, one.entries, one.total, one.least, one.most, one.until) for place, one in sorted(kept.items())
    ]


def test_one_that_is_late_among_them_sees_the_same_and_leaves_no_trace(database: Database) -> None:
    draw, features, memory = random.Random(5), FeatureSet("line", [VELOCITY]), MemoryTiles()
    tiles = PostgresTiles(database)
    for number in range(3):
        batch, came = some(draw, 90, accounts=60), NOW + timedelta(minutes=7 * number)
        at = [came - timedelta(hours=1) if row % 30 == 7 else came for row in range(len(batch))]
        asked = [came] * len(batch)
        needs = features.needs(batch, at, asked)
        snapshot = tiles.read(needs)
        assert all(isinstance(one, Stretches) for one in snapshot.values())
        computed = features.compute(batch, at, snapshot, asked=asked)
        expected = features.compute(batch, at, memory.read(needs), asked=asked)
        assert computed.misplaced == {7: "late", 37: "late", 67: "late"}
        assert computed.rows == expected.rows
        assert sorted(each(computed.deltas), key=repr) == sorted(each(expected.deltas), key=repr)
        tiles.write_prepared(computed.deltas)
        memory.write(expected.deltas)


def test_few_values_are_read_one_by_one(database: Database) -> None:
    features, tiles = FeatureSet("line", [VELOCITY]), PostgresTiles(database)
    for count, columns in ((MANY - 1, False), (MANY, True)):
        inputs = [{"account": f"account {n}", "amount": 1.0} for n in range(count)]
        snapshot = tiles.read(features.needs(inputs, [NOW] * count))
        assert all(isinstance(one, Stretches) for one in snapshot.values()) is columns


def in_turn(given: Sequence[Delta]) -> None:
    """Each tile is written once, in the order of all, whichever way the batch was gone through."""
    whose = {one.series.id: (one.series.automation, one.series.by) for one in each(given)}
    for way in (given, list(each(given))):
        series, values, starts, entries, *_ = columns_of(way, more=False)
        places = [
            (*whose[int(one)], value, int(one), int(start))
            for one, value, start in zip(series, values, starts, strict=True)
        ]
        assert places == sorted(places)
        assert len(set(places)) == len(places)
        assert sum(map(int, entries)) == sum(delta.entries for delta in each(given))


def test_a_field_that_some_inputs_lack_is_written_in_the_order_of_all_too(database: Database) -> None:
    fee = Window("fee", by="account", over=("10m", "24h"), aggregates=("sum",))
    features, tiles = FeatureSet("line", [VELOCITY, fee]), PostgresTiles(database)
    inputs = [{"account": f"account {n}", "amount": 1.0, "fee": None if n % 3 else 2.0} for n in range(60)]
    at = [NOW] * len(inputs)
    deltas = features.compute(inputs, at, tiles.read(features.needs(inputs, at))).deltas
    assert {len(one.values) for one in deltas if isinstance(one, TileColumns)} == {60, 20}
    in_turn(deltas)
    tiles.write_prepared(deltas)
    assert sorted(stored(database)) == sorted((d.series.id, d.value, *d.tile[:5], d.until) for d in each(deltas))


def test_what_one_line_of_windows_adds_is_written_in_the_order_of_all_keys(database: Database) -> None:
    """The series of a line are in one order or the other by chance."""
    inputs, tiles = [{"account": f"account {n % 40}", "amount": 1.0} for n in range(50)], PostgresTiles(database)
    ascending = set()
    for number in range(8):
        line = FeatureSet(f"line {number}", [VELOCITY], lateness=LONG)
        deltas = line.compute(inputs, [NOW] * len(inputs), tiles.read(line.needs(inputs, [NOW] * len(inputs)))).deltas
        narrow, wide = (delta.series.id for delta in deltas)
        ascending.add(narrow < wide)
        in_turn(deltas)
    assert ascending == {False, True}


def test_what_several_lines_of_a_batch_add_is_written_in_the_order_of_all_keys(database: Database) -> None:
    inputs = [{"account": f"account {n % 40}", "amount": 1.0} for n in range(50)]
    at = [NOW] * len(inputs)
    tiles = PostgresTiles(database)
    one, other = (FeatureSet(name, [VELOCITY], lateness=LONG) for name in ("line", "other"))
    deltas = [
        delta
        for line in (one, other, one)
        for delta in line.compute(inputs, at, tiles.read(line.needs(inputs, at))).deltas
    ]
    for given in (deltas, deltas[: len(deltas) * 2 // 3]):
        in_turn(given)
    tiles.write_prepared(deltas)
    assert sum(row[3] for row in stored(database)) == 2 * 3 * len(inputs)
