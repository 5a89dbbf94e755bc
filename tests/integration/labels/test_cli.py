"""`andon labels`: which class was true, said and shown in a terminal."""

import json
from pathlib import Path

import pytest
from click.testing import Result
from tests.integration.labels.labelling import decided
from typer.testing import CliRunner

from andon.cli import app
from lines import Installation


@pytest.fixture(autouse=True)
def project(installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "andon.toml").write_text('[project]\nname = "test"\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ANDON_DATABASE_URL", installation.database.url)
    monkeypatch.setenv("COLUMNS", "200")


def andon(*arguments: str, status: int = 0) -> Result:
    result = CliRunner().invoke(app, ["labels", *arguments])
    assert result.exit_code == status, result.output
    return result


def test_a_label_is_added_shown_and_corrected(installation: Installation) -> None:
    decision = str(decided(installation).id)
    assert "Nothing counts as true yet" in andon("list", decision).output
    assert "was fraud" in andon("add", decision, "fraud", "--known-at", "2026-11-01").output
    andon("add", decision, "ok", "--source", "blind_audit", "--probability", "0.02")
    listed = json.loads(andon("list", decision, "--json").stdout)
    (event, audit) = listed["labels"]
    assert (event["known_at"], audit["probability"]) == ("2026-11-01T00:00:00+00:00", 0.02)
    assert (listed["valid"]["value"], listed["valid"]["mature"]) == ("fraud", False)
    shown = andon("list", decision).output
    assert "Counts as true: fraud (by event, not mature until" in shown
    assert f"contradicted by {audit['id']}" in shown
    andon("correct", decision, event["id"], "ok", "--reason", "the wrong customer")
    shown = andon("list", decision).output
    assert "the wrong customer" in shown
    assert "Counts as true: ok" in shown


def test_what_cannot_be_a_label_is_said_in_words(installation: Installation) -> None:
    decision = str(decided(installation).id)
    assert "there are: ok, fraud" in andon("add", decision, "frauds", status=2).output
    assert "is recorded with its verdict" in andon("add", decision, "fraud", "--source", "review", status=2).output
    assert "is not a moment" in andon("add", decision, "fraud", "--known-at", "soon", status=2).output
    nobody = "00000000-0000-7000-8000-000000000000"
    assert "No decision" in andon("list", nobody, status=4).output
    assert "has no label" in andon("correct", decision, nobody, "ok", "--reason", "why", status=4).output
