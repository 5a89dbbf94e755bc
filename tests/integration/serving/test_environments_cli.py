"""`andon models environment`: what a version needs is shown, and built before anybody asks it."""

import json
import sys
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
from packages import a_package, trained_with
from wheels import small_wheel

NOW = datetime(2026, 11, 25, tzinfo=UTC)


def run(*arguments: str, status: int = 0) -> Result:
    result = CliRunner().invoke(app, ["models", "environment", *arguments])
    assert result.exit_code == status, result.output
    return result


@pytest.fixture(autouse=True)
def project(registry: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a project with a model `pinned`: one version for our environment, and a second that needs `marker`."""
    (tmp_path / "andon.toml").write_text('[project]\nname = "test"\n')
    (tmp_path / "wheels").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ANDON_DATABASE_URL", registry.url)
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    here = a_package(tmp_path / "here", name="pinned")
    other = trained_with({"marker": "1.5"}, a_package(tmp_path / "other", name="pinned", seed=2))
    with registry.begin() as tx:
        for package in (here, other):
            models.register(tx, package, actor=Actor("owner"), events=Events(), reason="test", now=NOW)
    return tmp_path


def test_what_our_own_environment_holds_is_not_built() -> None:
    shown = run("pinned", "1").output
    assert "  lightgbm " in shown
    assert "nothing is built" in shown
    assert json.loads(run("pinned", "1", "--json").stdout)["interpreter"] == sys.executable


def test_another_is_built_on_request_and_then_shown(project: Path) -> None:
    assert "It is not built yet: `andon models environment pinned 2 --build`" in run("pinned").output
    assert json.loads(run("pinned", "--json").stdout)["interpreter"] is None
    small_wheel("marker", "1.5", project / "wheels")
    assert "It is built: " in run("pinned", "--build").output
    python = Path(json.loads(run("pinned", "--json").stdout)["interpreter"])
    assert python.is_relative_to(project / ".andon" / "environments")
    assert python.exists()


def test_one_that_cannot_be_built_is_refused_in_the_resolvers_words() -> None:
    assert "marker==1.5" in run("pinned", "--build", status=2).output
