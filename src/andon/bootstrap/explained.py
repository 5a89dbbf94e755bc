"""A window's value explained: the tiles it consists of, and the decisions of the ledger counted in them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from andon import decisions, features
from andon.authoring import Automation, Window
from andon.features import FeatureSet, Step, Tile
from andon.kernel.db import Database

EVENTS_SHOWN = 50


@dataclass(frozen=True, slots=True)
class CountedEvent:
    """A decision whose input was counted: when it happened, and the value."""

    decision_id: UUID
    at: datetime
    value: Any


@dataclass(frozen=True, slots=True)
class Explained:
    """The windows over one field by another, for one key and moment: features, tiles by step, newest events."""

    field: str
    by: str
    values: dict[str, Any]
    tiles: dict[tuple[Step, ...], list[Tile]]
    events: list[CountedEvent]


async def explained(database: Database, automation: Automation, key: str, at: datetime) -> list[Explained]:
    """Return the values that an input with this key would see at a moment, before it is counted itself."""
    windows = FeatureSet(automation.name, automation.features)
    connection = await database.connect()
    try:
        return [await _one(connection, database, automation, key, at, number) for number in range(len(windows.plans))]
    finally:
        await connection.close()


async def _one(
    connection: asyncpg.Connection, database: Database, automation: Automation, key: str, at: datetime, number: int
) -> Explained:
    plan = FeatureSet(automation.name, automation.features).plans[number]
    windows = [f for f in automation.features if isinstance(f, Window) and (f.field, f.by) == (plan.field, plan.by)]
    line = FeatureSet(automation.name, windows, lateness=automation.lateness)
    inputs = [{plan.by: key}]
    needs = [need._replace(cuts=()) for need in line.needs(inputs, [at])]
    snapshot = await features.read(connection, needs)
    [values] = line.compute(inputs, [at], snapshot).rows
    tiles = {series.steps: [Tile(*tile) for tile in found.get(key, ())] for series, found in snapshot.items()}
    with database.begin() as tx:
        records = decisions.with_input(
            tx,
            automation.name,
            plan.by,
            key,
            since=at - timedelta(seconds=line.longest) - timedelta(minutes=1),
            until=at + automation.lateness + timedelta(minutes=1),
            limit=10 * EVENTS_SHOWN,
        )
    return Explained(plan.field, plan.by, dict(values), tiles, _events(records, plan.field, at, line.longest))


def _events(records: list[decisions.DecisionRecord], field: str, at: datetime, longest: int) -> list[CountedEvent]:
    """Return the events within the longest window, newest first."""
    found = []
    for record in records:
        told = record.record.get("happened_at") or record.record["asked_at"]
        moment = datetime.fromisoformat(told)
        if at - timedelta(seconds=longest) < moment <= at:
            found.append(CountedEvent(record.row.id, moment, record.record["input"].get(field)))
    return sorted(found, key=lambda event: event.at, reverse=True)[:EVENTS_SHOWN]
