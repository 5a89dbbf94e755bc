"""`andon split` and `andon endpoints`: see what answers, split it, go back, in plain words."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from andon import models, policies
from andon.cli import app
from andon.kernel.db import Database
from andon.kernel.events import Events
from andon.kernel.identity import Actor
from packages import a_package, trained_with
from shadowing import NOW, failed, said, write

POLICY = (
    "outcomes: [release, review]\nrules:\n  - {id: safe, when: 'prediction.score < 0.3', then: release, "
    "unproven: true}\notherwise: review"
)
AUTOMATION = """
from datetime import timedelta
from pydantic import BaseModel
from andon import Automation, Policy, Review

class Payment(BaseModel):
    amount: float
    country: str

screening = Automation(
    "payments", contract=Payment, subject="country", model="fraud-risk", fallback=("stable",),
    review=Review(queue="fraud", due=timedelta(minutes=15)),
    policy=Policy.yaml(
        "outcomes: [release, review]\\nrules:\\n"
        "  - {id: safe, when: 'prediction.score < 0.3', then: release, unproven: true}\\notherwise: review"
    ),
)
"""


def run(*arguments: str, status: int = 0, noun: str = "split") -> Result:
    result = CliRunner().invoke(app, [noun, *arguments])
    assert result.exit_code == status, result.output
    return result


@pytest.fixture(autouse=True)
def project(registry: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a project with one automation on fraud-risk, of which version 1 is the champion."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "automation.py").write_text(AUTOMATION)
    (folder / "andon.toml").write_text('[project]\nname = "test"\nautomations = ["automation.py"]\n')
    monkeypatch.chdir(folder)
    monkeypatch.setenv("ANDON_DATABASE_URL", registry.url)
    with registry.begin() as tx:
        models.set_alias(tx, "fraud-risk", "champion", 1, actor=Actor("owner"), events=Events(), reason="test", now=NOW)
    return folder


def test_a_split_is_made_seen_and_taken_back() -> None:
    assert "version 1 100 %" in run("list").output
    said = run("set", "payments", "--share", "2=12.5", "--shadow", "3", "--reason", "try it").output
    assert said == "payments: version 1 87.5 %, version 2 12.5 %, version 3 runs as a shadow (split 1)\n"
    shown = run("show", "payments").output
    assert "version 1 87.5 %, version 2 12.5 %" in shown
    assert "try it" in shown
    assert "version 1 87.5 %, version 2 12.5 %" in run("list", noun="endpoints").output
    assert "version 3 runs as a shadow" in run("show", "fraud-risk", noun="endpoints").output
    state = json.loads(run("show", "payments", "--json").stdout)
    assert (state["champion"], state["shadows"], state["model"]) == (1, ["3"], "fraud-risk")
    assert "version 1 100 % (split 2)" in run("set", "payments", "--reason", "back").output
    history = json.loads(run("history", "payments", "--json").stdout)
    assert [(entry["number"], entry["shares"], entry["reason"]) for entry in history] == [
        (2, {}, "back"),
        (1, {"2": 12.5}, "try it"),
    ]
    assert "2: 12.5 %" in run("history", "payments").output


def test_a_shadow_that_became_the_champion_is_shown_to_look_on_no_more() -> None:
    run("set", "payments", "--shadow", "2", "--shadow", "3", "--reason", "watch")
    run("alias", "set", "champion", "2", "--reason", "better", noun="models")
    state = json.loads(run("show", "payments", "--json").stdout)
    assert (state["arms"], state["shadows"], state["split"]["shadows"]) == (
        [{"candidate": "2", "share": 100.0}],
        ["3"],
        ["2", "3"],
    )


def test_what_cannot_be_split_is_named() -> None:
    assert "VERSION=PERCENT" in run("set", "payments", "--share", "half", "--reason", "x", status=2).output
    twice = run("set", "payments", "--share", "2=1", "--share", "2=2", "--reason", "x", status=2)
    assert "names version 2 twice" in twice.output
    wrong = run("set", "payments", "--share", "9=1", "--share", "2=0", "--reason", "x", status=2).output
    assert "There is no version 9" in wrong
    assert "more than 0" in wrong
    alone = run("set", "payments", "--shadow", "1", "--reason", "x", status=2).output
    assert "Version 1 cannot both answer and run as a shadow" in alone
    assert "known models: fraud-risk" in run("show", "other", status=4, noun="endpoints").output
    assert "there are: payments" in run("show", "other", status=4).output
    assert "3f2a9c01d2e4" in run("set", "payments", "--shadow", "2+half", "--reason", "x", status=2).output
    assert run("set", "payments", "--share", "2=1", status=2).output
    assert json.loads(run("history", "payments", "--json").stdout) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("split", "shadow", "payments", "9999999999"),
        ("models", "show", "fraud-risk", "99999999999"),
        ("models", "environment", "fraud-risk", "99999999999"),
        ("models", "alias", "set", "champion", "99999999999", "--name", "fraud-risk", "--reason", "x"),
    ],
)
def test_a_number_that_no_version_can_have_is_not_found(arguments: tuple[str, ...]) -> None:
    assert "no version 9999999999" in run(*arguments[1:], status=4, noun=arguments[0]).output


@pytest.fixture
def unbuildable(registry: Database, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """Return a version whose captured packages are unavailable, of a model that runs isolated."""
    with (project / "andon.toml").open("a") as settings:
        settings.write("[endpoints.fraud-risk]\nisolated = true\n")
    (tmp_path / "wheels").mkdir()
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with registry.begin() as tx:
        package = trained_with({"marker": "1.5"}, a_package(tmp_path / "old", seed=4))
        return models.register(tx, package, actor=Actor("owner"), events=Events(), reason="old", now=NOW).number


@pytest.mark.parametrize("wanted", [("--share", "4=5"), ("--shadow", "4")])
def test_a_version_whose_environment_cannot_be_built_gets_no_share(unbuildable: int, wanted: tuple[str, str]) -> None:
    assert unbuildable == 4
    assert "marker==1.5" in run("set", "payments", *wanted, "--reason", "x", status=2).output
    assert json.loads(run("history", "payments", "--json").stdout) == []


def test_a_version_whose_environment_cannot_be_built_becomes_nothing_that_answers(unbuildable: int) -> None:
    for alias in ("champion", "stable"):
        said = run("alias", "set", alias, str(unbuildable), "--reason", "x", status=2, noun="models")
        assert "cannot be built here" in said.output
        assert "marker==1.5" in said.output
    run("alias", "set", "candidate", str(unbuildable), "--reason", "no automation asks for it", noun="models")
    history = json.loads(run("alias", "history", "--json", noun="models").stdout)
    assert [(entry["alias"], entry["number"]) for entry in history] == [("candidate", unbuildable), ("champion", 1)]


def test_a_version_that_needs_what_an_automation_does_not_give_becomes_no_champion(project: Path) -> None:
    (project / "automation.py").write_text(
        AUTOMATION.replace("    country: str", "    land: str").replace('"country"', '"land"')
    )
    said = run("alias", "set", "champion", "2", "--reason", "x", status=2, noun="models")
    assert "model fraud-risk version 2 needs 'country'" in said.output


def test_an_endpoint_whose_model_is_not_registered_yet_is_listed(project: Path) -> None:
    text = AUTOMATION.replace("fraud-risk", "not-yet")
    (project / "automation.py").write_text(text)
    assert "nothing yet" in run("list").output


def test_what_a_shadow_said_is_counted(registry: Database) -> None:
    now = datetime.now(UTC)
    with registry.begin() as tx:
        table = policies.parse(POLICY, source="x")
        policies.publish(tx, "payments", table, POLICY, actor=Actor("owner"), reason="x", now=NOW)
        policies.put_in_force(tx, "payments", table.version, actor=Actor("owner"), reason="x", now=NOW, events=Events())
    of = {"policy": table.version}
    shown = said(1, at=now, **of), said(2, outcome="pause", score=0.9, at=now, **of)
    write(registry, *shown, failed(3, at=now - timedelta(days=2), **of))
    told = run("shadow", "payments", "2", "--hours", "87600").output
    assert "ran as a shadow 3 times" in told
    assert "1 failed" in told
    assert "pause 1, release 1; mean score 0.5000" in told
    counted = json.loads(run("shadow", "payments", "2", "--json").stdout)
    assert (counted["count"], counted["outcomes"]) == (2, {"pause": 1, "release": 1})
    assert "Model fraud-risk has no version 9" in run("shadow", "payments", "9", status=4).output
