"""How good a line is now, through every door: the command line, HTTP, the console, and the page of a decision."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from click.testing import Result
from tests.served import served
from typer.testing import CliRunner

from andon import BlindAudit, MaxError, Monitors, alerts, console, cord
from andon.access import Grant, KeyRing, Role
from andon.alerts import BadNews
from andon.cli import app
from andon.cord import LineState
from andon.kernel.config import Settings
from andon.kernel.db import Database
from andon.kernel.events import Events
from andon.labels import LabelSource
from andon.monitors import Level
from calls import call
from lines import OWNER, PEPPER
from proving import DUE, GatedLine, a_gated_line, rightly

QUALITY = "/v1/automations/gated/quality"


@pytest.fixture
def line(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GatedLine:
    (tmp_path / "andon.toml").write_text('[project]\nname = "test"\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ANDON_DATABASE_URL", database.url)
    line = a_gated_line(
        database, tmp_path, MaxError(0.1), audit=BlindAudit(0.5, due=DUE), monitors=Monitors(off=["cost"])
    )
    decided = line.decide(400)
    line.label([one for one in decided if one.draw.drawn], rightly, source=LabelSource.BLIND_AUDIT)
    line.prove()
    return line


def bad_news(line: GatedLine, **more: Any) -> BadNews:
    now = line.installation.clock.now()
    news = BadNews("gated", "drift", "amount", {}, Level.CRITICAL, now - timedelta(hours=1), "amount rose")
    return replace(news, **more)


def raise_alert(line: GatedLine, **more: Any) -> None:
    with line.database.begin() as tx:
        alerts.raise_alert(tx, bad_news(line, **more), events=Events(), now=line.installation.clock.now())


@contextmanager
def visiting(line: GatedLine, *grants: Grant) -> Iterator[httpx.Client]:
    """Somebody with these grants, signed in."""
    application = console.create_app(Settings(), line.database, line.installation.clock, KeyRing(PEPPER), Events())
    token = line.installation.key(f"somebody-{uuid4().hex}", *grants)
    with served(application) as address, httpx.Client(base_url=address, headers={"Origin": address}) as client:
        client.post("/sign-in", data={"key": token, "next": "/"})
        yield client


def test_one_answer_holds_state_proof_monitors_alerts_and_audits(line: GatedLine) -> None:
    viewer, stranger = (
        line.installation.key("v", Grant(Role.VIEWER)),
        line.installation.key("s", Grant(Role.VIEWER, "other")),
    )
    found = call(line.installation, "GET", QUALITY, viewer).json()
    assert (found["state"], found["segments"], found["alerts"], found["incidents"]) == ("automatic", [], [], [])
    assert found["decisions"] == 400
    assert found["automatic"] == sum(one.outcome != "review" for one in line.decided)
    assert found["headline"] == found["gates"][0]["sentence"]
    assert "automatic; error of the automatic part" in found["headline"]
    assert "labels a day" in found["forecast"]
    assert found["audits"]["share"] == 0.5
    by_name = {one["monitor"]: one for one in found["monitors"]}
    assert by_name["cost"]["state"] == "silent"
    assert "switched off" in by_name["cost"]["sentence"]
    assert len(by_name) == 13
    assert call(line.installation, "GET", QUALITY, stranger).status_code == 403
    assert call(line.installation, "GET", "/v1/automations/none/quality", viewer).status_code == 404


def test_what_is_wrong_comes_with_it(line: GatedLine) -> None:
    raise_alert(line, segment={"currency": "EUR"})
    with line.database.begin() as tx:
        cord.pull(
            tx,
            "gated",
            state=LineState.STOPPED,
            segment={"account": "a1"},
            actor=OWNER,
            reason="drill",
            events=Events(),
            now=line.installation.clock.now(),
        )
    viewer = line.installation.key("v", Grant(Role.VIEWER))
    found = call(line.installation, "GET", QUALITY, viewer).json()
    assert found["state"] == "automatic"
    assert {"segment": {"account": "a1"}, "state": "stopped"} in found["segments"]
    (alert,) = found["alerts"]
    assert (alert["level"], alert["monitor"], alert["message"]) == ("critical", "drift", "amount rose")


def test_a_line_without_labels_and_audits_says_what_it_rests_on(database: Database, tmp_path: Path) -> None:
    line = a_gated_line(database, tmp_path, MaxError(0.1))
    viewer = line.installation.key("v", Grant(Role.VIEWER))
    found = call(line.installation, "GET", QUALITY, viewer).json()
    assert (found["decisions"], found["audits"]["share"]) == (0, None)
    assert "held-out" in found["headline"]
    assert "no recent labels" in found["forecast"]


def test_the_command_prints_the_same(line: GatedLine) -> None:
    def andon(*arguments: str, status: int = 0) -> str:
        result: Result = CliRunner().invoke(app, list(arguments), env={"COLUMNS": "250"})
        assert result.exit_code == status, result.output
        return result.output

    raise_alert(line)
    shown = andon("quality", "gated")
    for part in (
        "automatic",
        "400 decisions",
        "error of the automatic part",
        "blind audits",
        "switched off",
        "amount rose",
    ):
        assert part in shown
    assert "[/]" not in shown
    assert json.loads(andon("quality", "gated", "--json"))["worst"] in ("silent", "good", "warning", "critical")
    andon("quality", "none", status=4)


def test_the_page_shows_it_and_hides_it_from_strangers(line: GatedLine) -> None:
    raise_alert(line)
    with visiting(line, Grant(Role.VIEWER)) as client:
        page = client.get("/lines/gated/quality")
        assert page.status_code == 200
        for part in ('data-plot="risk"', "amount rose", "Blind audits", "switched off", "Not known yet"):
            assert part in page.text
        assert "/lines/gated/quality" in client.get("/lines/gated").text
    with visiting(line, Grant(Role.VIEWER, "other")) as client:
        assert client.get("/lines/gated/quality").status_code == 404


def test_a_decision_says_which_alerts_concerned_it(line: GatedLine) -> None:
    account = line.decided[0].request.input["account"]
    raise_alert(line, segment={"account": account}, message="of this account")
    raise_alert(line, segment={"account": "another"}, message="of another account", series="score")
    raise_alert(line, since=line.installation.clock.now() + timedelta(hours=1), message="later", series="currency")
    with visiting(line, Grant(Role.VIEWER)) as client:
        page = client.get(f"/decisions/{line.decided[0].request.id}").text
    assert "of this account" in page
    assert "of another account" not in page
    assert "later" not in page
