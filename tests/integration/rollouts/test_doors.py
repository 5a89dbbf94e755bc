"""Rollouts over HTTP and at the command line: permissions, reasons, one winner of two at once, nothing lost."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from andon import labels
from andon.access import Grant, Role
from andon.bootstrap.trial_metrics import watch_trials
from andon.cli import app
from andon.kernel.db import Database
from andon.kernel.metrics import Metrics
from andon.labels import LabelSource, TruthReport
from calls import call
from rolling import OTTO, RolledLine, a_rolled_line

ROLLOUTS = "/v1/automations/payments/rollouts"
PROJECT = """
from automations import a_forgiving_line
payments = a_forgiving_line()
"""


@pytest.fixture(scope="module")
def line(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> RolledLine:
    return a_rolled_line(module_database, tmp_path_factory.mktemp("rolled"))


@pytest.fixture(scope="module")
def keys(line: RolledLine) -> dict[str, str]:
    names = {"otto": Role.OPERATOR, "vera": Role.VIEWER, "olga": Role.OWNER}
    return {name: line.installation.key(name, Grant(role, "payments")) for name, role in names.items()}


def ask(line: RolledLine, key: str, method: str, path: str = "", **body: Any) -> tuple[int, Any]:
    answer = call(line.installation, method, ROLLOUTS + path, key, **({"json": body} if body else {}))
    return answer.status_code, answer.json()


def test_an_operator_starts_one_and_everybody_reads_it(line: RolledLine, keys: dict[str, str]) -> None:
    made = line.decide(50)
    with line.database.begin() as tx:
        known = [TruthReport(decision_id=one.request.id, value="ok", source=LabelSource.EVENT) for one in made]
        labels.record_all(tx, known, actor=OTTO, events=line.events, now=line.now)
    status, expected = ask(line, keys["vera"], "POST", ":forecast", version=2, reason="x")
    assert status == 200
    assert expected["an_hour"] > 0
    shown = {one["guardrail"]: one for one in expected["guardrails"]}
    assert set(shown) >= {"errors", "slow", "expected-error", "cost", "calibration"}
    assert [note[:17] for note in expected["notes"]] == ["wrong is watched,"]
    assert (shown["expected-error"]["kind"], shown["expected-error"]["harm_ratio"]) == ("mean", 2.0)
    assert ask(line, keys["vera"], "POST", version=2, reason="x")[0] == 403
    wanted = {"version": 2, "guardrails": {"errors": {"margin": 0.2}}, "steps": [10, 100], "reason": "better"}
    status, started = ask(line, keys["otto"], "POST", **wanted)
    assert (status, started["state"], started["started_by"]) == (201, "running", "otto")
    assert started["plan"]["steps"] == [10.0, 100.0]
    errors = next(one for one in started["guardrails"] if one["name"] == "errors")
    assert (errors["margin"], errors["harmed"], errors["path"]) == (0.2, False, [])
    assert [event["kind"] for event in started["events"]] == ["start", "begin"]
    assert [one["number"] for one in ask(line, keys["vera"], "GET")[1]] == [1]
    assert ask(line, keys["vera"], "GET", "/1")[1]["arm"] == started["arm"]


@pytest.mark.parametrize(
    ("who", "path", "body", "status", "code"),
    [
        ("otto", "", {"version": 2, "reason": "again"}, 409, "RolloutUnderWay"),
        ("otto", "/1/promote", {"reason": "x"}, 403, "Forbidden"),
        ("vera", "/1/abort", {"reason": "x"}, 403, "Forbidden"),
        ("olga", "/1/approve", {"reason": "x"}, 409, "RolloutNotThere"),
        ("olga", "/1/resume", {"reason": "x"}, 409, "RolloutNotThere"),
        ("olga", "/9/abort", {"reason": "x"}, 404, "RolloutNotFound"),
        ("otto", "/1/abort", {"reason": " "}, 422, "ReasonInvalid"),
        ("otto", "", {"version": 9, "reason": "x"}, 404, "VersionNotFound"),
        ("otto", "", {"version": 1, "reason": "x"}, 422, "RolloutInvalid"),
        ("otto", "", {"version": 2, "policy": "0123456789ab", "reason": "x"}, 403, "Forbidden"),
        ("olga", "", {"version": 2, "policy": "0123456789ab", "reason": "x"}, 404, "PolicyNotFound"),
        ("otto", "", {"gate": 2.5, "reason": "x"}, 422, "RequestInvalid"),
        ("otto", "", {"version": 2, "steps": [50, 5], "reason": "x"}, 422, "RolloutInvalid"),
        ("otto", "", {"version": 2, "off": ["latency"], "reason": "x"}, 422, "RolloutInvalid"),
        ("otto", "", {"version": 2, "guardrails": {"loss": {"margin": 0.1}}, "reason": "x"}, 422, "RolloutInvalid"),
    ],
)
def test_what_cannot_be_is_refused_with_its_reason(
    line: RolledLine, keys: dict[str, str], who: str, path: str, body: dict[str, Any], status: int, code: str
) -> None:
    given, problem = ask(line, keys[who], "POST", path, **body)
    assert (given, problem["code"]) == (status, code), problem


def test_a_worker_shows_the_share_and_how_rollouts_ended(line: RolledLine) -> None:
    metrics = Metrics()
    watch_trials(metrics, line.database)
    shown = metrics.text().decode()
    assert f'andon_rollout_share{{arm="{line.rollout.arm}",automation="payments",state="running"}} 0.0' in shown
    assert "andon_rollouts_ended_total{" not in shown


def test_it_is_paused_resumed_and_aborted_and_the_second_to_do_it_is_told(
    line: RolledLine, keys: dict[str, str]
) -> None:
    for act, state in (("pause", "paused"), ("resume", "running"), ("abort", "aborted")):
        status, done = ask(line, keys["otto"], "POST", f"/1/{act}", reason="wait")
        assert (status, done["state"]) == (200, state)
    status, problem = ask(line, keys["olga"], "POST", "/1/abort", reason="me too")
    assert status == 409
    assert "Rollout 1 of payments is over: aborted by otto" in problem["detail"]
    line.installation.deployment.refresh()


def test_the_command_line_does_all_of_it(line: RolledLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "automation.py").write_text(PROJECT)
    (tmp_path / "andon.toml").write_text('[project]\nname = "test"\nautomations = ["automation.py"]\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ANDON_DATABASE_URL", line.database.url)

    def run(*arguments: str, status: int = 0) -> str:
        result = CliRunner().invoke(app, ["rollout", *arguments])
        assert result.exit_code == status, result.output
        return result.output

    said = run("start", "payments", "--model", "fraud-risk@2", "--margin", "errors=0.2", "--dry-run", "--reason", "x")
    assert "a candidate that is as good is promoted after about" in said
    assert "errors: none recently; an equal one is good enough for promotion" in said
    assert 'wrong is watched, but the promotion does not wait for it. To wait: --require wrong, or Guardrail("' in said
    said = run("start", "payments", "--model", "2", "--require", "latency-p99", "--dry-run", "--reason", "x")
    assert re.search(r"latency-p99: [0-9.]+ ms now; one 40% higher is detected after about [0-9,]+ decisions", said)
    refused = run("start", "payments", "--model", "2", "--require", "latency-p98", "--reason", "x", status=2)
    assert "latency-p95, latency-p99" in refused
    started = run("start", "payments", "--model", "2", "--steps", "10,100", "--off", "cost", "--reason", "better")
    assert "rollout 2 of fraud-risk@2+" in started
    shown = run("show", "payments")
    assert "disagreement" in shown
    assert "0.0 of 6.4" in shown  # ln(6 / .01)
    assert json.loads(run("show", "payments", "--json"))["plan"]["steps"] == [10.0, 100.0]
    assert "aborted" in run("list", "payments")
    assert "is paused: Paused by cli:" in run("pause", "payments", "--reason", "wait")
    assert "is running" in run("resume", "payments", "--reason", "go on")
    assert "is aborted: enough" in run("abort", "payments", "--reason", "enough")
    run("abort", "payments", "--reason", "again", status=5)
    run("start", "payments", "--model", "other@2", "--reason", "x", status=2)
    run("start", "payments", "--gate", "0", "--reason", "it holds already", status=2)
    gated = run("start", "payments", "--model", "2", "--gate", "0.93", "--reason", "fewer by itself")
    assert re.search(r"rollout 3 of fraud-risk@2\+\w{12}~0.93 is running", gated)
    assert json.loads(run("show", "payments", "--json"))["candidate"] == "2~0.93"
    run("abort", "payments", "--reason", "enough")
    run("start", "payments", "--policy", "nothing.yaml", "--reason", "x", status=2)
