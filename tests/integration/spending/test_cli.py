"""`andon spending`: what decisions cost and how the budget stands, for people and as JSON."""

import json
from pathlib import Path

import pytest
from click.testing import Result
from tests.integration.spending.recorded import TODAY, YESTERDAY, record
from typer.testing import CliRunner

from andon.cli import app
from andon.kernel.db import Database


@pytest.fixture(autouse=True)
def project(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "andon.toml").write_text('[project]\nname = "test"\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ANDON_DATABASE_URL", database.url)
    monkeypatch.setenv("COLUMNS", "80")


def andon(*arguments: str, status: int = 0) -> Result:
    result = CliRunner().invoke(app, ["spending", *arguments])
    assert result.exit_code == status, result.output
    return result


def test_it_shows_each_day_and_how_the_budget_stands(database: Database) -> None:
    assert "Nothing was spent" in andon().output
    record(database)
    told = andon("payments").output
    for word in (str(TODAY), str(YESTERDAY), "0.003000", "0.850000 of 1 EUR a day spent (85%), nearly spent"):
        assert word in told
    assert "lending" not in told
    assert "GPU" not in told
    whole = andon().output
    assert [line.strip() for line in whole.splitlines() if line.strip() in ("lending", "payments")] == [
        "lending",
        "payments",
    ]
    assert "0.850000 of 1 EUR a day" in whole


def test_it_prints_json(database: Database) -> None:
    record(database)
    told = json.loads(andon("payments", "--since", str(TODAY), "--json").stdout)
    assert [(day["automation"], day["version"], day["cost"]) for day in told["days"]] == [
        ("payments", 1, "0.003000000"),
        ("payments", 2, "0.001000000"),
    ]
    assert [(budget["automation"], budget["spent"]) for budget in told["budgets"]] == [("payments", "0.850000000")]
    assert told["total"][0]["decisions"] == 40


def test_an_automation_that_does_not_exist_is_not_found(tmp_path: Path) -> None:
    declared = "from automations import an_automation\n\npayments = an_automation()\n"
    (tmp_path / "automation.py").write_text(declared, encoding="utf-8")
    assert "No automation 'nope' in this project; there are: payments" in andon("nope", status=4).output
    assert "Nothing was spent" in andon("payments").output


def test_days_that_cannot_be_are_refused() -> None:
    assert "is after" in andon("--since", str(TODAY), "--until", str(YESTERDAY), status=2).output
