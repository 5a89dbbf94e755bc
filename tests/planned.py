"""A project with one automation in force, on a model with three versions of which the first is the champion."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from andon import models
from andon.cli import app
from andon.kernel.db import Database
from andon.kernel.events import Events
from andon.kernel.identity import Actor
from packages import a_package

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)

AUTOMATION = """
from pydantic import BaseModel
from andon import Automation, BlindAudit, MaxError, Policy, Truth

class Payment(BaseModel):
    amount: float
    country: str

payments = Automation(
    "payments", contract=Payment, subject="country", model="fraud-risk", policy=Policy.file("policy.yaml"),
    risk=MaxError(0.2), truth=Truth({"release": "ok"}), audit=BlindAudit(0.02, least=0.01, most=0.2),
)
"""
POLICY = """
outcomes: [release, review]
rules:
  - {id: safe, when: 'prediction.score < 0.5', then: release, unproven: true}
otherwise: review
"""
STRICTER = POLICY.replace("0.5", "0.001")


def run(*arguments: str, status: int = 0, answer: str | None = None) -> Result:
    """Run a command, which is to end with this status."""
    result = CliRunner().invoke(app, list(arguments), input=answer)
    assert result.exit_code == status, result.output
    return result


def configure(project: Path, text: str) -> None:
    """Write the configuration."""
    (project / "config").mkdir(exist_ok=True)
    (project / "config" / "andon-config.yaml").write_text(text)


def a_project(database: Database, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make the project below a folder, with its code released; the commands run in it."""
    with database.begin() as tx:
        owner, events = Actor("owner"), Events()
        for seed in (1, 2, 3):
            package = a_package(folder / str(seed), seed=seed)
            models.register(tx, package, actor=owner, events=events, reason="test", now=NOW)
        models.set_alias(tx, "fraud-risk", "champion", 1, actor=owner, events=events, reason="test", now=NOW)
    project = folder / "project"
    project.mkdir()
    (project / "automation.py").write_text(AUTOMATION)
    (project / "policy.yaml").write_text(POLICY)
    (project / "stricter.yaml").write_text(STRICTER)
    (project / "andon.toml").write_text('[project]\nname = "test"\n')
    monkeypatch.chdir(project)
    monkeypatch.setenv("ANDON_DATABASE_URL", database.url)
    run("release", "payments", "--reason", "the first")
    return project
