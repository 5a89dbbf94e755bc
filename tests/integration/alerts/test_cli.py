"""`andon alerts`, `silences`, `incidents`, `cord rules`, `drills` in a terminal, with exit codes of refusals."""

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from alarming import alerts_of, breached, recovered
from andon.alerts import AlertState
from andon.cli import app
from andon.kernel.events import Events
from andon.monitors import Level
from lines import Installation

SEGMENT = {"country": "AT"}


@pytest.fixture(autouse=True)
def project(installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "andon.toml").write_text('[project]\nname = "test"\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ANDON_DATABASE_URL", installation.database.url)
    monkeypatch.setenv("COLUMNS", "240")


def andon(*arguments: str, status: int = 0) -> Result:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == status, result.output
    return result


def critical(installation: Installation, events: Events) -> str:
    now = installation.clock.now()
    return str(breached(installation.database, events, now, level=Level.CRITICAL, segment=SEGMENT).id)


def test_an_alert_is_listed_shown_acknowledged_and_resolved(installation: Installation, events: Events) -> None:
    assert "No alert is open" in andon("alerts", "list").output
    alert = critical(installation, events)
    assert "drift of amount: payments (country=AT)" in andon("alerts", "list").output
    shown = andon("alerts", "show", alert).output
    for part in ("with a probability of at most 0.0005", "50 EUR", "country=AT is stopped", "segment=country%3DAT"):
        assert part in shown
    [plain] = json.loads(andon("alerts", "list", "--json").stdout)
    assert (plain["id"], plain["level"], plain["state"]) == (alert, "critical", "open")
    [found] = json.loads(andon("alerts", "show", alert, "--json").stdout)["findings"]
    assert found["detail"]["current"] == [20, 30, 50]
    assert "is acknowledged by" in andon("alerts", "acknowledge", alert, "--comment", "on it").output
    assert "is resolved" in andon("alerts", "resolve", alert, "--reason", "a test file").output
    assert "a test file" in andon("alerts", "resolve", alert, "--reason", "again", status=5).output
    assert "No alert" in andon("alerts", "show", "00000000-0000-7000-8000-000000000000", status=4).output
    assert alert in andon("alerts", "list", "--resolved").output


def test_a_silence_is_made_listed_and_ended(installation: Installation, events: Events) -> None:
    critical(installation, events)
    made = andon(
        "silences",
        "make",
        "--automation",
        "payments",
        "--monitor",
        "drift",
        "--segment",
        "country=AT",
        "--until",
        "4h",
        "--reason",
        "a campaign",
    ).output
    assert "automation payments, monitor drift, segment country=AT silenced until" in made
    assert "silenced" in andon("alerts", "list").output
    identifier = made.partition(":")[0]
    assert identifier in andon("silences", "list").output
    assert "is no longer silenced" in andon("silences", "end", identifier, "--reason", "over").output
    assert "Nothing is silenced" in andon("silences", "list").output
    andon("silences", "end", identifier, "--reason", "over", status=4)
    assert "nobody may silence all" in andon("silences", "make", "--until", "4h", "--reason", "x", status=2).output
    andon("silences", "make", "--monitor", "drift", "--until", "soon", "--reason", "x", status=2)
    andon("silences", "make", "--segment", "a=b", "--until", "4h", "--reason", "x", status=2)


def test_an_incident_is_worked_on_until_its_cause_is_stated(installation: Installation, events: Events) -> None:
    assert "No incident is open" in andon("incidents", "list").output
    critical(installation, events)
    [incident] = json.loads(andon("incidents", "list", "--json").stdout)
    place = incident["id"]
    assert "works on it" in andon("incidents", "own", place, "--owner", "olga").output
    andon("incidents", "comment", place, "a new partner")
    shown = andon("incidents", "show", place).output
    for part in ("olga", "a new partner", "automatic to stopped", "not stated yet", "under way"):
        assert part in shown
    assert "still held" in andon("incidents", "end", place, "--cause", "a new partner").output
    andon("incidents", "end", place, "--cause", "again", status=5)
    assert "a new partner" in andon("incidents", "list", "--ended").output
    assert "is open" in andon("incidents", "open", "payments", "--title", "complaints").output
    andon("incidents", "open", "payments", "--title", "complaints", status=5)


def test_a_cord_that_a_rule_pulled_is_released_with_its_checklist(installation: Installation, events: Events) -> None:
    critical(installation, events)
    listed = andon("cord", "rules", "list", "payments").output
    assert "before a release: cause found" in listed
    assert "pulled by a rule since" in listed
    release = ["cord", "release", "payments", "--segment", "country=AT", "--reason", "known"]
    refused = andon(*release, status=5).output
    assert "done: Not ticked: owner informed" in refused
    assert "anyway: The alert is still open" in refused
    both = ["--done", "cause found", "--done", "owner informed"]
    andon(*release, *both, status=5)
    recovered(installation.database, events, installation.clock.now(), segment=SEGMENT)
    assert "payments is automatic for country=AT" in andon(*release, *both).output


def test_rules_are_added_and_removed(installation: Installation) -> None:
    added = andon(
        "cord", "rules", "add", "payments", "--monitor", "gate", "--whole", "--state", "stopped", "--reason", "law"
    ).output
    assert "gate at critical makes the whole line stopped" in added
    identifier = added.partition(":")[0]
    assert identifier in andon("cord", "rules", "list", "payments").output
    andon("cord", "rules", "remove", "payments", identifier, "--reason", "no law")
    andon("cord", "rules", "remove", "payments", identifier, "--reason", "no law", status=4)
    andon("cord", "rules", "add", "nobody", "--monitor", "gate", "--reason", "law", status=4)


def test_a_drill_that_nobody_follows_ends_with_a_status(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "There has been no drill yet" in andon("drills", "list", "payments").output
    monkeypatch.setattr("andon.alerts.drills.PATIENCE", timedelta(seconds=1))
    failed = andon("drills", "run", "payments", "--reason", "monthly", status=5).output
    assert "No process that decides for this automation is running" in failed
    listed = andon("drills", "list", "payments").output
    assert re.search(r"monthly\W+no\W", listed)
    assert alerts_of(installation.database, AlertState.OPEN, drills=True) == []
