"""`andon reviews`: from the queue to a verdict without leaving the terminal."""

import json
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from click.testing import Result
from typer.testing import CliRunner

from andon import labels, reviews, settling
from andon.cli import app
from andon.kernel.db import Database
from andon.kernel.identity import Actor
from messages import a_question, an_action, bury, put

NOW = datetime.now(UTC)


@pytest.fixture(autouse=True)
def project(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "andon.toml").write_text('[project]\nname = "test"\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ANDON_DATABASE_URL", database.url)


def andon(*arguments: str, status: int = 0) -> Result:
    result = CliRunner().invoke(app, ["reviews", *arguments])
    assert result.exit_code == status, result.output
    return result


def test_an_action_with_an_unknown_outcome_is_listed_and_shown_as_withdrawn_once_it_is_settled(
    database: Database,
) -> None:
    action = an_action(NOW)
    bury(database, [action], at=NOW, why="unknown: no answer came")
    with database.begin() as tx:
        settling.ask_due(tx, NOW)
    [listed] = json.loads(andon("list", "--json").stdout)
    assert (listed["action_id"], listed["outcomes"]) == (str(action.id), ["happened", "send again", "give up"])
    assert listed["question"].startswith("release was sent to bank at")
    assert listed["id"] in andon("list").output
    confirmed = CliRunner().invoke(app, ["actions", "confirm", str(action.id), "--reason", "it is in their ledger"])
    assert confirmed.exit_code == 0
    assert andon("list").output == "No review found.\n"
    assert listed["id"] in andon("list", "--state", "withdrawn").output
    shown = json.loads(andon("show", listed["id"], "--json").stdout)
    assert (shown["state"], shown["verdict"]) == ("withdrawn", None)
    assert shown["withdrawal"]["reason"] == "The action was confirmed: it is in their ledger"
    assert "Settled elsewhere by" in andon("claim", listed["id"], status=5).output


def test_a_review_is_claimed_decided_and_becomes_a_label(database: Database) -> None:
    assert "No review found" in andon("list").output
    question = a_question(NOW)
    put(database, question)
    with database.begin() as tx:
        reviews.open_due(tx, now=NOW)
    [listed] = json.loads(andon("list", "--json").stdout)
    review_id = listed["id"]
    assert review_id in andon("list").output
    assert listed["case"].startswith("payment_id ")
    assert (listed["state"], listed["outcomes"]) == ("open", ["release", "pause"])
    assert json.loads(andon("show", review_id, "--json").stdout)["decision"]["score"] == 0.5
    assert "NOT_CERTAIN" in andon("show", review_id).output
    why = ("--reason", "known mule")
    assert "claim it first" in andon("verdict", review_id, "--outcome", "pause", *why, status=5).output
    assert "yours for the next 15 minutes" in andon("claim", review_id).output
    assert [review["id"] for review in json.loads(andon("list", "--mine", "--json").stdout)] == [review_id]
    assert "back in the queue" in andon("release", review_id).output
    andon("claim", review_id)
    assert "there are: release, pause" in andon("verdict", review_id, "--outcome", "burn", *why, status=2).output
    assert "is decided: pause" in andon("verdict", review_id, "--outcome", "pause", *why).output
    [decided] = json.loads(andon("list", "--state", "decided", "--json").stdout)
    assert decided["verdict"]["reason"] == "known mule"
    assert review_id in andon("list", "--state", "decided").output
    with database.begin() as tx:
        assert [label.said for label in labels.of_decision(tx, question.subject)] == ["pause"]


def test_a_review_in_other_hands_and_one_that_is_none_are_said_in_words(database: Database) -> None:
    put(database, a_question(NOW))
    with database.begin() as tx:
        reviews.open_due(tx, now=NOW)
        [review] = reviews.page(tx, reviews.ReviewFilter(), now=NOW)
        reviews.claim(tx, review.id, actor=Actor("rita"), now=datetime.now(UTC))
    assert "rita holds this review" in andon("claim", str(review.id), status=5).output
    assert "No review" in andon("show", str(uuid4()), status=4).output
