"""A breach of an expectation is an event: written and published once a minute, in the command line, counted whole."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.integration.features.payments import decide, installed, request
from tests.integration.streams.streaming import Forwarder
from typer.testing import CliRunner

from andon import features
from andon.cli import app
from andon.features import BreachTeller, ExpectationBreached
from andon.kernel.clock import SystemClock
from andon.kernel.db import Database
from andon.kernel.events import Events
from lines import Installation

NOW = datetime(2026, 11, 25, 12, 0, 30, tzinfo=UTC)


@pytest.fixture
def here(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    (tmp_path / "andon.toml").write_text('[project]\nname = "test"\nautomations = ["automation.py"]\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ANDON_DATABASE_URL", database.url)
    return installed(database, tmp_path)


def listening() -> tuple[Events, list[ExpectationBreached]]:
    events, heard = Events(), list[ExpectationBreached]()
    events.subscribe(ExpectationBreached, lambda _, event: heard.append(event))
    return events, heard


def tell(database: Database, events: Events, decisions: int, now: datetime) -> None:
    with database.begin() as tx:
        features.tell(tx, events, {("payments", "amount_sum_24h"): decisions}, now)


def test_it_is_one_event_a_minute_and_every_decision_counts(database: Database) -> None:
    events, heard = listening()
    tell(database, events, 3, NOW)
    tell(database, events, 4, NOW + timedelta(seconds=20))
    assert heard == [ExpectationBreached("payments", "amount_sum_24h", at=NOW)]
    tell(database, events, 5, NOW + timedelta(seconds=40))
    assert len(heard) == 2
    with database.begin() as tx:
        (one,) = features.breaches(tx, automations=None, since=NOW - timedelta(hours=1))
        assert (one.automation, one.name, one.decisions) == ("payments", "amount_sum_24h", 12)
        assert one.last_at == NOW + timedelta(seconds=40)
        assert features.breaches(tx, automations=["lending"], since=NOW - timedelta(hours=1)) == []
        assert features.breaches(tx, automations=None, since=NOW + timedelta(hours=1)) == []
        assert features.forget_breaches(tx, NOW + timedelta(days=31)) == 2


def test_who_cannot_hear_of_it_undoes_the_record(database: Database) -> None:
    events = Events()

    def refuse(*_: object) -> None:
        raise ValueError("no")

    events.subscribe(ExpectationBreached, refuse)
    with pytest.raises(ValueError, match="no"):
        tell(database, events, 1, NOW)
    with database.begin() as tx:
        assert features.breaches(tx, automations=None, since=NOW - timedelta(hours=1)) == []


def test_what_decisions_saw_is_told_and_shown(here: Installation) -> None:
    events, heard = listening()
    teller = BreachTeller(here.database, events, here.clock)
    batch = [request(here, {"account": "a1", "amount": 990.0}) for _ in range(3)]
    decide(here, batch, breached=teller.count)
    asyncio.run(teller.tell())
    assert [(event.automation, event.name) for event in heard] == [("payments", "amount_sum_24h")]
    shown = CliRunner().invoke(app, ["features", "breaches", "--json"])
    assert [(one["name"], one["decisions"]) for one in json.loads(shown.output)] == [
        ("amount_sum_24h", 2)
    ]  # the first is within it
    assert "amount_sum_24h" in CliRunner().invoke(app, ["features", "breaches"]).output
    assert "Nothing since" in CliRunner().invoke(app, ["features", "breaches", "--since", "2030-01-01"]).output
    unknown = CliRunner().invoke(app, ["features", "breaches", "--automation", "lending"])
    assert unknown.exit_code == 4
    assert "No automation 'lending' was ever deployed here" in unknown.output
    wrong = CliRunner().invoke(app, ["features", "breaches", "--since", "yesterday"])
    assert wrong.exit_code == 2
    assert "'yesterday' is not a moment; write 2026-11-24" in wrong.output


def test_what_the_database_does_not_take_is_told_later_and_at_the_end(database: Database) -> None:
    async def run() -> int:
        way = Forwarder(database.url)
        through = Database(way.url)
        teller = BreachTeller(through, Events(), SystemClock())
        teller.count("payments", "country", 2)
        await teller.tell()  # nobody listens there yet
        async with way:
            telling = asyncio.create_task(teller.run())
            await asyncio.sleep(0)
            teller.count("payments", "country", 3)
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)
            through.close()
        with database.begin() as tx:
            (one,) = features.breaches(tx, automations=None, since=datetime.now(UTC) - timedelta(hours=1))
        return one.decisions

    assert asyncio.run(run()) == 5
