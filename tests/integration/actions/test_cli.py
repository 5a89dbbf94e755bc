"""`andon actions`: find what could not be delivered, see why, send it again."""

import json
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from click.testing import Result
from typer.testing import CliRunner

from andon import actions
from andon.cli import app
from andon.kernel.db import Database
from andon.kernel.identity import PLATFORM
from messages import an_action, bury

NOW = datetime.now(UTC)


@pytest.fixture(autouse=True)
def project(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "andon.toml").write_text('[project]\nname = "test"\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ANDON_DATABASE_URL", database.url)


def andon(*arguments: str, status: int = 0) -> Result:
    result = CliRunner().invoke(app, ["actions", *arguments])
    assert result.exit_code == status, result.output
    return result


def test_a_dead_letter_is_found_looked_at_and_sent_again(database: Database) -> None:
    assert "No dead letters" in andon("dead").output
    message = an_action(NOW)
    bury(database, [message], at=NOW, why="answered 422")
    assert str(message.id) in andon("dead").output
    [listed] = json.loads(andon("dead", "--json").stdout)
    assert (listed["id"], listed["state"], listed["last_error"]) == (str(message.id), "dead", "answered 422")
    assert "payments" in andon("show", str(message.id)).output
    assert json.loads(andon("show", str(message.id), "--json").stdout)["history"] == []
    assert andon("resend", str(message.id), "--reason", "mended").output.startswith("1 ")
    assert json.loads(andon("dead", "--json").stdout) == []
    assert "only a dead letter" in andon("resend", str(message.id), "--reason", "again", status=5).output


def test_all_are_sent_again_but_those_of_disabled_destinations(database: Database) -> None:
    bury(database, [an_action(NOW), an_action(NOW), an_action(NOW, destination="gone")], at=NOW)
    with database.begin() as tx:
        actions.disable_destination(tx, "gone", actor=PLATFORM, reason="it answered 410", now=NOW)
    assert "gone has been disabled since" in andon("dead").output
    assert andon("resend", "--all", "--reason", "mended").output.startswith("2 ")
    assert "gone is enabled" in andon("enable", "gone", "--reason", "moved back").output
    assert andon("resend", "--all", "--reason", "mended").output.startswith("1 ")


def test_some_are_sent_again_and_one_is_confirmed(database: Database) -> None:
    unknown = an_action(NOW)
    bury(database, [an_action(NOW), an_action(NOW, destination="ledger")], at=NOW, why="failed: answered 503")
    bury(database, [unknown], at=NOW, why="unknown: no answer")
    listed = json.loads(andon("dead", "--because", "unknown:", "--json").stdout)
    assert [one["id"] for one in listed] == [str(unknown.id)]
    assert andon("resend", "--destination", "bank", "--because", "503", "--reason", "mended").output.startswith("1 ")
    assert andon("resend", "--until", "2020-01-01", "--reason", "mended").output.startswith("0 ")
    assert "is done" in andon("confirm", str(unknown.id), "--reason", "it is in their ledger").output
    assert json.loads(andon("show", str(unknown.id), "--json").stdout)["state"] == "done"
    assert [one["destination"] for one in json.loads(andon("dead", "--json").stdout)] == ["ledger"]


def test_what_may_have_been_taken_is_sent_again_only_by_name(database: Database) -> None:
    bury(database, [an_action(NOW)], at=NOW, why="answered 503")
    bury(database, [an_action(NOW)], at=NOW, why="unknown: no answer")
    for options, says in ((["--all"], "1 "), (["--all"], "0 "), (["--because", "unknown:"], "1 ")):
        done = andon("resend", *options, "--reason", "mended").output
        assert (done[:2], "1 left out" in done) == (says, "--all" in options)


def test_what_cannot_be_is_said_in_words() -> None:
    assert "Give either the id of a dead letter, or --all" in andon("resend", "--reason", "why", status=2).output
    assert "No action" in andon("show", str(uuid4()), status=4).output
    assert "reason is required" in andon("resend", str(uuid4()), "--reason", " ", status=2).output
    assert "is not disabled" in andon("enable", "bank", "--reason", "why", status=5).output
