"""Offline equals online: a history gives what decisions saw, to 1e-9, in any batches; no row disappears."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count, pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from andon import Automation, Expect, Policy, Request, Window
from andon.features import FeatureSet, History, MemoryTiles, columns_of, has_more, insert_sql, read
from andon.kernel.db import Database

START = datetime(2026, 11, 24, tzinfo=UTC)
NUMBERS = count()


class Transfer(BaseModel):
    account: str | None = None
    amount: float | None = None
    country: str | None = None


def an_automation(name: str) -> Automation:
    return Automation(
        name,
        contract=Transfer,
        model="m",
        policy=Policy.yaml(""),
        features=[
            Request("large", lambda row: (row["amount"] or 0) > 100),
            Request("larger", lambda rows: [(row["amount"] or 0) > 500 for row in rows], batch=True),
            Window(
                "amount",
                by="account",
                over=("1m", "10m", "24h"),
                aggregates=("count", "sum", "mean", "min", "max", "std"),
            ),
            Window("country", by="account", over=("10m", "24h"), aggregates=("distinct", "last", "since", "count")),
            Window("amount", by="country", over=("1h",), aggregates=("count", "sum"), name="there"),
        ],
        expect=[Expect("amount_sum_24h", at_most=2_000)],
        lateness=timedelta(minutes=30),
    )


@dataclass(frozen=True)
class Event:
    """One input: when it happened and when it came, in seconds after START."""

    account: str | None
    amount: float | None
    country: str | None
    at: float
    came: float

    @property
    def row(self) -> dict[str, Any]:
        return {"account": self.account, "amount": self.amount, "country": self.country}


events = st.lists(
    st.builds(
        Event,
        account=st.sampled_from(["A", "A", "B", None]),
        amount=st.one_of(st.floats(-1e4, 1e4), st.sampled_from([7.5, 7.5, None])),
        country=st.sampled_from(["DE", "FR", "IT", None]),
        at=st.one_of(st.integers(0, 900).map(float), st.floats(0, 90_000)),
        came=st.one_of(st.just(-1.0), st.floats(0, 90_000)),
    ),
    max_size=40,
)
cuts = st.lists(st.integers(0, 40), max_size=6)


def batches(all_: Sequence[Event], at: Sequence[int]) -> list[Sequence[Event]]:
    edges = [0, *sorted(min(cut, len(all_)) for cut in at), len(all_)]
    return [all_[a:b] for a, b in pairwise(edges)]


def times(batch: Sequence[Event]) -> tuple[list[datetime], list[datetime]]:
    """When each happened and when it came; most come as they happen, some are late, a few from the future."""
    happened = [START + timedelta(seconds=event.at) for event in batch]
    came = [h if e.came < 0 else START + timedelta(seconds=e.came) for h, e in zip(happened, batch, strict=True)]
    return happened, came


def offline(automation: Automation, all_: Sequence[Event], at: Sequence[int]) -> list[dict[str, Any]]:
    history, rows = History(automation), []
    for batch in batches(all_, at):
        happened, came = times(batch)
        rows += history.compute([event.row for event in batch], happened, asked=came).rows
    return rows


def online_in_memory(automation: Automation, all_: Sequence[Event], at: Sequence[int]) -> list[dict[str, Any]]:
    line, tiles, rows = features_of(automation), MemoryTiles(), []
    for batch in batches(all_, at):
        happened, came = times(batch)
        inputs = [event.row for event in batch]
        computed = line.compute(inputs, happened, tiles.read(line.needs(inputs, happened, came)), asked=came)
        tiles.write(computed.deltas)
        rows += computed.rows
    return rows


async def online(
    database: Database, automation: Automation, all_: Sequence[Event], at: Sequence[int]
) -> list[dict[str, Any]]:
    connection, line, rows = await database.connect(), features_of(automation), []
    try:
        for batch in batches(all_, at):
            happened, came = times(batch)
            inputs = [event.row for event in batch]
            snapshot = await read(connection, line.needs(inputs, happened, came))
            computed = line.compute(inputs, happened, snapshot, asked=came)
            more = has_more(computed.deltas)
            await connection.execute(insert_sql(1, more=more), *columns_of(computed.deltas, more=more))
            rows += computed.rows
    finally:
        await connection.close()
    return rows


def features_of(automation: Automation) -> FeatureSet:
    return FeatureSet(automation.name, automation.features, expect=automation.expect, lateness=automation.lateness)


def assert_same(ones: Sequence[dict[str, Any]], others: Sequence[dict[str, Any]], rows: int) -> None:
    """Equal to 1e-9 of the size of the values that were summed; a text or a missing value to the letter."""
    assert len(ones) == len(others) == rows
    for one, other in zip(ones, others, strict=True):
        assert one.keys() == other.keys()
        for name, value in one.items():
            if isinstance(value, float):
                assert value == pytest.approx(other[name], rel=1e-9, abs=1e-9 * 1e4), name
            elif not name.startswith("expectations"):
                assert value == other[name], name


@given(events, cuts, cuts)
def test_a_history_gives_what_was_seen_online(all_: list[Event], at: list[int], others: list[int]) -> None:
    automation = an_automation("in-memory")
    assert_same(offline(automation, all_, others), online_in_memory(automation, all_, at), len(all_))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(events, cuts, cuts)
def test_a_history_gives_what_was_seen_in_postgresql(
    database: Database, all_: list[Event], at: list[int], others: list[int]
) -> None:
    automation = an_automation(f"line-{next(NUMBERS)}")
    seen = asyncio.run(online(database, automation, all_, at))
    assert_same(offline(automation, all_, others), seen, len(all_))


def test_a_long_history_keeps_only_the_tiles_that_windows_reach() -> None:
    automation = an_automation("long")
    history = History(automation)
    for hour in range(80):
        at = [START + timedelta(hours=hour, milliseconds=n) for n in range(100)]
        history.compute([{"account": f"{hour}/{n}", "amount": 1.0, "country": None} for n in range(100)], at)
    kept = sum(len(values) for values in history._tiles._tiles.values())
    assert kept < 3 * 100 * 60
