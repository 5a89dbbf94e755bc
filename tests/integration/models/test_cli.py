"""`andon models`: from a training script to a champion, and clear words for what cannot be."""

import json
from pathlib import Path

import lightgbm
import pytest
from click.testing import Result
from typer.testing import CliRunner

from andon.cli import app
from andon.kernel.db import Database
from packages import some_rows

SCRIPT = """
import os, sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from packages import packed_anew
assert "ANDON_DATABASE_URL" not in os.environ, "the script sees a secret"
print("trained beside", Path("data.csv").read_text())
packed_anew("wherever the script likes")
"""


class Terminal:
    """Types commands in a project's folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, *arguments: str, status: int = 0) -> Result:
        result = CliRunner().invoke(app, ["models", *arguments])
        assert result.exit_code == status, result.output
        return result

    def script(self, text: str) -> str:
        (self.folder / "train.py").write_text(text)
        return "train.py"


@pytest.fixture
def terminal(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "andon.toml").write_text('[project]\nname = "test"\n')
    (folder / "data.csv").write_text("its data")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("ANDON_DATABASE_URL", database.url)
    return Terminal(folder)


def test_a_script_becomes_the_champion_in_one_command(terminal: Terminal) -> None:
    script = terminal.script(SCRIPT.format(tests=str(Path(__file__).parents[2])))
    said = terminal.run("register", "--from-script", script, "--alias", "champion", "--reason", "first")
    assert "fraud-risk 1 (" in said.output
    assert "now the champion" in said.output
    listed = json.loads(terminal.run("list", "--json").stdout)
    assert [(v["name"], v["number"], v["aliases"], v["reason"]) for v in listed] == [
        ("fraud-risk", 1, ["champion"], "first")
    ]
    assert not (terminal.folder / "wherever the script likes").exists()


def test_the_champion_is_chosen_by_number_with_a_reason(terminal: Terminal, package: Path, other_package: Path) -> None:
    for folder in (package, other_package):
        terminal.run("register", str(folder))
    terminal.run("alias", "set", "champion", "1", "--reason", "start")
    assert "version 2" in terminal.run("alias", "set", "champion", "2", "--reason", "better").output
    history = json.loads(terminal.run("alias", "history", "champion", "--json").stdout)
    assert [(entry["number"], entry["reason"]) for entry in history] == [(2, "better"), (1, "start")]
    terminal.run("alias", "set", "champion", "2", status=2)
    terminal.run("alias", "set", "champion", "9", "--reason", "x", status=4)


def test_a_bare_models_score_is_for_the_same_class_as_in_earlier_versions(
    terminal: Terminal, package: Path, tmp_path: Path
) -> None:
    terminal.run("register", str(package), "--alias", "champion")
    columns, labels = some_rows(1)[0]
    amounts, fraud = columns["amount"].reshape(-1, 1), [int(label == "fraud") for label in labels]
    data = lightgbm.Dataset(amounts, fraud, feature_name=["amount"])
    lightgbm.train({"objective": "binary", "verbose": -1, "num_threads": 1}, data, 5).save_model(tmp_path / "model.txt")
    rows = sorted(zip(labels, columns["amount"], strict=True), key=lambda row: row[0])
    lines = [f"{amount},{label}" for label, amount in [*rows[: sum(fraud)], *rows[-20:]]]
    (tmp_path / "sample.csv").write_text("\n".join(["amount,label", *lines]))
    command = ("register", str(tmp_path / "model.txt"), "--sample", str(tmp_path / "sample.csv"), "--target", "label")
    assert "the score is for ok, the rarer" in terminal.run(*command, "--name", "another").output
    said = terminal.run(*command, "--name", "fraud-risk", "--alias", "champion").output
    assert "the score is for fraud, as in earlier versions" in said
    assert "fraud-risk 2 (" in said


def test_rows_of_a_sample_that_belong_together_count_once(terminal: Terminal, tmp_path: Path) -> None:
    """By the column that is named, or by the subject of the automation that the model answers for."""
    columns, labels = some_rows(1)[0]
    amounts, fraud = columns["amount"].reshape(-1, 1), [int(label == "fraud") for label in labels]
    data = lightgbm.Dataset(amounts, fraud, feature_name=["amount"])
    lightgbm.train({"objective": "binary", "verbose": -1, "num_threads": 1}, data, 5).save_model(tmp_path / "model.txt")
    lines = [
        f"{amount},a{at // 3},{label}" for at, (amount, label) in enumerate(zip(columns["amount"], labels, strict=True))
    ]
    (tmp_path / "sample.csv").write_text("\n".join(["amount,account,label", *lines]))
    command = ("register", str(tmp_path / "model.txt"), "--sample", str(tmp_path / "sample.csv"), "--target", "label")

    def held_out(number: int) -> tuple[int, str | None]:
        training = json.loads(terminal.run("show", "fraud-risk", str(number), "--json").stdout)["manifest"]["training"]
        return training["held_out_rows"], training.get("groups")

    terminal.run(*command, "--name", "fraud-risk", "--groups", "account")
    assert held_out(1) == (100, "account")
    subject = AUTOMATION.replace("weight: float", "amount: float\n    account: str")
    subject = subject.replace('model="fraud-risk",', 'model="fraud-risk",\n    subject="account",')
    (terminal.folder / "automation.py").write_text(subject)
    terminal.run(*command, "--name", "fraud-risk", "--reason", "by the subject")
    assert held_out(2) == (100, "account")
    assert "no column" in terminal.run(*command, "--name", "fraud-risk", "--groups", "acount", status=2).output


AUTOMATION = """
from pydantic import BaseModel
from andon import Automation, Policy


class Payment(BaseModel):
    weight: float


payments = Automation(
    "payments",
    contract=Payment,
    model="fraud-risk",
    policy=Policy.yaml("{outcomes: [pay, review], rules: [], otherwise: review}"),
)
"""


def test_a_version_that_an_automation_cannot_feed_is_not_registered_as_its_champion(
    terminal: Terminal, package: Path
) -> None:
    (terminal.folder / "automation.py").write_text(AUTOMATION)
    refused = terminal.run("register", str(package), "--alias", "champion", status=2)
    assert "model fraud-risk version 1 needs 'amount', which is neither a field of the contract" in refused.output
    assert json.loads(terminal.run("list", "--json").stdout) == []
    assert "fraud-risk 1 (" in terminal.run("register", str(package)).output


def test_a_version_is_shown_with_its_figures_and_origin(terminal: Terminal, package: Path) -> None:
    terminal.run("register", str(package))
    shown = terminal.run("show", "fraud-risk").output
    for part in ("roc_auc", "the first half trains", "fraud is positive", "amount", "DE, FR"):
        assert part in shown
    manifest = json.loads(terminal.run("show", "fraud-risk", "1", "--json").stdout)["manifest"]
    assert manifest["signature"]["classes"] == ["ok", "fraud"]


def test_a_failing_script_shows_what_it_printed(terminal: Terminal) -> None:
    script = terminal.script("print('half way')\nraise SystemExit('no column amount')")
    said = terminal.run("register", "--from-script", script, status=2)
    assert "ended with status 1" in said.output
    assert "half way" in said.output
    assert "no column amount" in said.output


def test_a_script_that_does_not_end_is_ended(terminal: Terminal) -> None:
    script = terminal.script("import threading\nprint('waiting', flush=True)\nthreading.Event().wait()")
    said = terminal.run("register", "--from-script", script, "--limit-minutes", "0.02", status=2)
    assert "did not end within" in said.output
    assert "waiting" in said.output


def test_a_script_that_packs_nothing_is_told_so(terminal: Terminal) -> None:
    said = terminal.run("register", "--from-script", terminal.script("pass"), status=2)
    assert "packed no model" in said.output


def test_what_is_no_package_is_named(terminal: Terminal, package: Path) -> None:
    (terminal.folder / "model.onnx").write_bytes(b"x")
    assert "is a bare model" in terminal.run("register", "model.onnx", status=2).output
    assert "contains no manifest.json" in terminal.run("register", ".", status=2).output
    assert "either the folder" in terminal.run("register", status=2).output
    said = terminal.run("register", str(package), "--alias", "rules", status=2).output
    assert "among the fallbacks of an automation" in " ".join(said.split())
    assert "not other" in terminal.run("register", str(package), "--name", "other", status=2).output
    assert json.loads(terminal.run("list", "--json").stdout) == []


def test_a_model_that_answers_otherwise_than_when_it_was_packed_is_not_registered(
    terminal: Terminal, package: Path
) -> None:
    manifest = json.loads((package / "manifest.json").read_text())
    manifest["probes"]["probabilities"][0] = [0.123, 0.877]
    del manifest["probes"]["calibrated"]
    (package / "manifest.json").write_text(json.dumps(manifest))
    assert "answers differently" in terminal.run("register", str(package), status=6).output
    assert json.loads(terminal.run("list", "--json").stdout) == []
