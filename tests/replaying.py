"""A project whose recorded decisions can be replayed by commands: a gated line, and the same automation in a file."""

from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from andon import MaxError
from andon.cli import app
from andon.kernel.db import Database
from proving import POLICY, GatedLine, a_gated_line

AUTOMATION = """
{imports}
from andon import MaxError
from proving import a_gated

gated = a_gated({risk}{more})
"""

STRICTER = POLICY.replace("prediction.score < 0.5", "prediction.score < 0.1")
"""Releases less."""


def andon(*arguments: str, status: int = 0) -> str:
    result: Result = CliRunner().invoke(app, list(arguments), env={"COLUMNS": "250"})
    assert result.exit_code == status, f"{result.output}\n{result.exception!r}"
    return result.output


def declaration(more: str = "", imports: str = "", risk: str = "MaxError(0.1)") -> str:
    """Return the automation's file, with further parts of its declaration."""
    return AUTOMATION.format(more=f", {more}" if more else "", imports=imports, risk=risk)


def a_project_folder(
    database: Database, folder: Path, monkeypatch: pytest.MonkeyPatch, *, more: str = "", imports: str = ""
) -> None:
    """Write a folder with the declaration, and make it the current one."""
    (folder / "andon.toml").write_text('[project]\nname = "bank"\n')
    (folder / "automation.py").write_text(declaration(more, imports))
    (folder / "stricter.yaml").write_text(STRICTER)
    (folder / "same.yaml").write_text(POLICY)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("ANDON_DATABASE_URL", database.url)


def a_replayed_project(database: Database, folder: Path, monkeypatch: pytest.MonkeyPatch) -> GatedLine:
    """Return an installed line, with a project folder of its declaration."""
    a_project_folder(database, folder, monkeypatch)
    return a_gated_line(database, folder, MaxError(0.1))
