"""`andon audit`, run as a person would run it in a project's folder."""

import json
from pathlib import Path

import pytest
from tests.integration.audit.logbook import BERT, NOON, change, tamper
from typer.testing import CliRunner, Result

from andon import audit
from andon.cli import app
from andon.kernel.db import Database


@pytest.fixture(autouse=True)
def in_a_project(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ANDON_DATABASE_URL", database.url)
    with database.begin() as tx:
        change(tx, "model.register", subject="model:fraud-risk")
        change(tx, "key.create", subject="key:1", actor=BERT)
        audit.seal(tx, NOON)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["audit", *arguments])


def test_a_sound_log_ends_with_0_and_names_the_newest_checkpoint() -> None:
    anchor = json.loads(run("head", "--json").stdout)["checkpoint"]["hash"]
    sound = run("verify", "--anchor", anchor)
    assert sound.exit_code == 0, sound.output
    assert "Nothing was altered: 2 entries in 1 chain, 1 checkpoint, 0 not yet sealed, anchor met" in sound.stdout
    assert anchor in sound.stdout
    assert anchor in run("head").stdout


def test_an_altered_log_ends_with_5_and_says_where(database: Database) -> None:
    tamper(database, "audit_entries", "UPDATE audit_entries SET actor = 'eve' WHERE seq = 2")
    altered = run("verify")
    assert altered.exit_code == 5
    for told in ("edited", "changes, entry 2", "key.create", "key:1"):
        assert told in " ".join(altered.stdout.replace("│", " ").split())
    assert "1 finding in 2 entries" in altered.stderr
    report = json.loads(run("verify", "--json").stdout)
    assert (report["ok"], report["found"]) == (False, 1)
    assert (report["findings"][0]["harm"], report["findings"][0]["seq"]) == ("edited", 2)


def test_an_anchor_that_is_gone_is_told() -> None:
    gone = run("verify", "--anchor", "ab" * 32, "--json")
    assert gone.exit_code == 5
    assert [finding["harm"] for finding in json.loads(gone.stdout)["findings"]] == ["anchor missing"]
    refused = run("verify", "--anchor", "abc")
    assert (refused.exit_code, "64 hexadecimal digits" in refused.stderr) == (2, True)


def test_the_log_is_listed_newest_first_with_filters() -> None:
    everything = json.loads(run("log", "--json").stdout)
    assert [(entry["actor"], entry["action"], entry["reason"]) for entry in everything] == [
        ("bert", "key.create", "because"),
        ("anna", "model.register", "because"),
    ]
    for wanted in (("--actor", "anna"), ("--action", "model."), ("--subject", "model:fraud-risk")):
        assert [entry["seq"] for entry in json.loads(run("log", *wanted, "--json").stdout)] == [1]
    assert "n: none → 1" in run("log", "--limit", "1").stdout
    assert "no such entry" in run("log", "--actor", "nobody").stdout
