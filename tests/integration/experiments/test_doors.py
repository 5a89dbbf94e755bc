"""Experiments over HTTP and at the command line: permissions with a reason; refusals are named."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from andon.access import Grant, Role
from andon.bootstrap.trial_metrics import watch_trials
from andon.cli import app
from andon.kernel.db import Database
from andon.kernel.metrics import Metrics
from calls import call
from experimenting import ComparedLine
from rolling import a_rolled_line

EXPERIMENTS = "/v1/automations/payments/experiments"
PROJECT = """
from automations import a_forgiving_line
payments = a_forgiving_line()
"""
WANTED = {"arms": ["2"], "measure": "automatic", "better": "higher", "unit": "decision", "reason": "which?"}


@pytest.fixture(scope="module")
def compared(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> ComparedLine:
    return ComparedLine(a_rolled_line(module_database, tmp_path_factory.mktemp("compared")))


@pytest.fixture(scope="module")
def keys(compared: ComparedLine) -> dict[str, str]:
    names = {"otto": Role.OPERATOR, "vera": Role.VIEWER, "olga": Role.OWNER}
    return {name: compared.line.installation.key(name, Grant(role, "payments")) for name, role in names.items()}


def ask(compared: ComparedLine, key: str, method: str, path: str = "", **body: Any) -> tuple[int, Any]:
    answer = call(compared.line.installation, method, EXPERIMENTS + path, key, **({"json": body} if body else {}))
    return answer.status_code, answer.json()


def test_an_operator_starts_one_and_everybody_reads_it(compared: ComparedLine, keys: dict[str, str]) -> None:
    compared.line.decide(60)
    status, expected = ask(compared, keys["vera"], "POST", ":forecast", **WANTED)
    assert status == 200
    assert 0 < expected["base"] < 1
    half, fifth, tenth = expected["effects"]
    assert (half["effect"], fifth["effect"], tenth["effect"]) == (0.5, 0.2, 0.1)
    assert 100 < half["units"] < fifth["units"] < tenth["units"]
    assert ask(compared, keys["vera"], "POST", **WANTED)[0] == 403
    status, started = ask(compared, keys["otto"], "POST", **WANTED)
    assert (status, started["state"], started["started_by"]) == (201, "running", "otto")
    assert (started["arms"], started["shares"]) == (["1", "2"], [50.0, 50.0])
    compared.line.installation.deployment.refresh()
    compared.line.decide(240)
    compared.watch()
    status, shown = ask(compared, keys["vera"], "GET", "/1")
    assert status == 200
    assert sum(one["decisions"] for one in shown["estimates"]) == 240
    [pair] = shown["comparisons"]
    assert (pair["arm"], pair["beside"], pair["better"]) == ("1", "2", None)
    if all(one["decisions"] >= 100 for one in shown["estimates"]):
        assert pair["low"] < pair["value"] < pair["high"]
    assert shown["path"][-1]["seen"] == 240
    assert [one["number"] for one in ask(compared, keys["vera"], "GET")[1]] == [1]


@pytest.mark.parametrize(
    ("who", "path", "body", "status", "code"),
    [
        ("otto", "", WANTED, 409, "ExperimentUnderWay"),
        ("vera", "/1/stop", {"reason": "x"}, 403, "Forbidden"),
        ("otto", "/1/adopt", {"reason": "x"}, 403, "Forbidden"),
        ("olga", "/1/adopt", {"reason": "x"}, 409, "NothingToAdopt"),
        ("olga", "/9/stop", {"reason": "x"}, 404, "ExperimentNotFound"),
        ("otto", "/1/stop", {"reason": " "}, 422, "ReasonInvalid"),
        ("otto", "", {**WANTED, "arms": ["9"]}, 404, "VersionNotFound"),
        ("otto", "", {**WANTED, "arms": ["1"]}, 422, "ExperimentInvalid"),
        ("otto", "", {**WANTED, "arms": ["2+0123456789ab"]}, 403, "Forbidden"),
        ("olga", "", {**WANTED, "arms": ["2+0123456789ab"]}, 404, "PolicyNotFound"),
        ("otto", "", {**WANTED, "measure": "profit"}, 422, "ExperimentInvalid"),
        ("otto", "", {**WANTED, "better": "lower"}, 422, "ExperimentInvalid"),
        ("otto", "", {**WANTED, "shares": {"2": 100}}, 422, "ExperimentInvalid"),
        ("otto", "", {**WANTED, "allocation": "thompson", "shares": {"2": 10}}, 422, "ExperimentInvalid"),
        ("otto", "", {**WANTED, "until": "2026-01-01T00:00:00Z"}, 422, "ExperimentInvalid"),
    ],
)
def test_what_cannot_be_is_refused_with_its_reason(
    compared: ComparedLine, keys: dict[str, str], who: str, path: str, body: dict[str, Any], status: int, code: str
) -> None:
    given, problem = ask(compared, keys[who], "POST", path, **body)
    assert (given, problem["code"]) == (status, code), problem


def test_it_is_stopped_once_and_a_worker_shows_shares_and_outcomes(
    compared: ComparedLine, keys: dict[str, str]
) -> None:
    metrics = Metrics()
    watch_trials(metrics, compared.line.database)
    shown = metrics.text().decode()
    for arm in compared.experiment.arm_names:
        assert f'andon_experiment_share{{arm="{arm}",automation="payments"}} 50.0' in shown
    assert "andon_experiments_ended_total{" not in shown
    status, done = ask(compared, keys["otto"], "POST", "/1/stop", reason="enough")
    assert (status, done["state"], done["why"]) == (200, "stopped", "enough")
    status, problem = ask(compared, keys["olga"], "POST", "/1/stop", reason="me too")
    assert status == 409
    assert "Experiment 1 of payments is over: stopped by otto" in problem["detail"]
    shown = metrics.text().decode()
    assert 'andon_experiments_ended_total{automation="payments",outcome="stopped"} 1.0' in shown
    assert "andon_experiment_share{" not in shown


def test_the_command_line_does_all_of_it(
    compared: ComparedLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "automation.py").write_text(PROJECT)
    (tmp_path / "andon.toml").write_text('[project]\nname = "test"\nautomations = ["automation.py"]\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ANDON_DATABASE_URL", compared.line.database.url)
    monkeypatch.setenv("COLUMNS", "220")

    def andon(*arguments: str, status: int = 0) -> Result:
        result = CliRunner().invoke(app, ["experiment", *arguments])
        assert result.exit_code == status, result.output
        return result

    named = ("payments", "--arm", "2", "--arm", "3", "--measure", "automatic", "--better", "higher", "--reason", "x")
    said = andon("start", *named, "--dry-run").output
    assert "of accounts now" in said
    assert "50% apart: within about" in said
    started = andon("start", *named, "--share", "3=20", "--until", "14d").output
    assert "experiment 2 is running: fraud-risk@1 40%, fraud-risk@2 40%, fraud-risk@3 20%" in started
    assert "too little" not in started
    assert "fraud-risk@3" in andon("show", "payments").output
    whole = json.loads(andon("show", "payments", "--json").stdout)
    assert [one["share"] for one in whole["estimates"]] == [40.0, 40.0, 20.0]
    assert [one["kind"] for one in whole["events"]] == ["start"]
    assert "has no winner" in andon("adopt", "payments", "--reason", "x", status=5).output
    assert "is stopped: done" in andon("stop", "payments", "--reason", "done").output
    assert [one["number"] for one in json.loads(andon("list", "--json").stdout)] == [2, 1]
    assert (
        "expected lower or higher" in andon("start", *named[:-4], "--better", "more", "--reason", "x", status=2).output
    )
