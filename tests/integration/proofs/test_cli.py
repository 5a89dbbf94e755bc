"""`andon gates` at the command line: what holds and why, the curve, another target, and the forecast."""

import json
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from andon import BlindAudit, MaxError, decisions
from andon.cli import app
from andon.gates import WHOLE
from andon.kernel.db import Database
from andon.labels import LabelSource
from lines import register_champion
from packages import a_package
from proving import DUE, GatedLine, a_gated_line, rightly


def andon(*arguments: str, status: int = 0) -> str:
    result: Result = CliRunner().invoke(app, list(arguments), env={"COLUMNS": "250"})
    assert result.exit_code == status, result.output
    return result.output


@pytest.fixture
def line(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GatedLine:
    (tmp_path / "andon.toml").write_text('[project]\nname = "test"\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ANDON_DATABASE_URL", database.url)
    return a_gated_line(database, tmp_path, MaxError(0.1))


def test_what_holds_and_why(line: GatedLine) -> None:
    assert "held-out rows" in andon("gates", "list", "gated")
    line.label(line.decide(400), rightly)
    line.prove()
    shown = andon("gates", "list", "gated")
    assert "labels" in shown
    assert "400 labels and" in shown  # the rest stands in the next line
    told = andon("gates", "explain", "gated")
    assert "made by labels" in told
    assert "otherwise revision 1:" in told
    assert "400 above it" in told


def test_the_gate_of_an_arm_that_no_longer_answers_holds_nothing(line: GatedLine, tmp_path: Path) -> None:
    def holding() -> list[bool]:
        return [one["in_force"] for one in json.loads(andon("gates", "list", "gated", "--json"))]

    assert holding() == [True]
    register_champion(line.database, a_package(tmp_path / "second", seed=2))
    assert holding() == [False]


def test_the_curve_another_target_and_the_forecast(line: GatedLine) -> None:
    line.label(line.decide(400), rightly)
    line.prove()
    shown = andon("gates", "curve", "gated")
    assert "in force" in shown
    assert "Target 10%: " in shown
    strict = andon("gates", "curve", "gated", "--target", "0.01")
    assert "Target 1%: " in strict
    assert "no: too few labels" in strict
    ahead = json.loads(andon("gates", "forecast", "gated", "--json"))
    assert (ahead["labels_a_day"], ahead["clean_labels"]) == (400, 29)
    assert "400 labels a day" in andon("gates", "forecast", "gated")
    assert "Expected a target between 0 and 1" in andon("gates", "curve", "gated", "--target", "3", status=2)


def test_audits_prove_with_their_probability_and_their_share_follows_the_need(
    database: Database, tmp_path: Path
) -> None:
    line = a_gated_line(database, tmp_path, MaxError(0.1), audit=BlindAudit(0.5, least=0.1, most=0.9, due=DUE))
    made = line.decide(400)
    drawn = [one for one in made if one.draw.drawn]
    assert 100 < len(drawn) < 300
    reviewed = [one for one in made if one.outcome == "review"]
    line.label([*drawn, *reviewed], rightly, source=LabelSource.BLIND_AUDIT)
    line.prove()
    assert f"{len(drawn) + len(reviewed)} labels and 150 held-out rows" in line.revisions().live[WHOLE].sentence
    with database.begin() as tx:
        changed = decisions.audits_of(tx, "gated").changed
    assert changed is not None
    assert (changed.by, changed.share) == ("andon", 0.1)
