"""`andon policy` with a database and `andon release`: publish, go back, compare; release and refuse."""

import json
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from andon import audit
from andon.cli import app
from andon.kernel.db import Database

AUTOMATION = """
from pydantic import BaseModel
from andon import Automation, Policy

class Payment(BaseModel):
    amount: float
    country: str

payments = Automation("payments", contract=Payment, model="fraud-risk", policy=Policy.file("policy.yaml"))
"""
POLICY = """
outcomes: [release, review]
rules:
  - {id: safe, when: 'prediction.score < 0.3', then: release, unproven: true}
otherwise: review
"""
STRICTER = POLICY.replace("0.3", "0.1")


def run(*arguments: str, status: int = 0) -> Result:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == status, result.output
    return result


@pytest.fixture(autouse=True)
def project(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a project whose code is released."""
    (tmp_path / "automation.py").write_text(AUTOMATION)
    (tmp_path / "policy.yaml").write_text(POLICY)
    (tmp_path / "andon.toml").write_text('[project]\nname = "test"\n')
    (tmp_path / "stricter.yaml").write_text(STRICTER)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ANDON_DATABASE_URL", database.url)
    said = run("release", "payments", "--reason", "the first").output
    assert said.startswith("payments: version 1 is released")
    return tmp_path


def published(*more: str) -> str:
    """Return the version of the stricter policy, once it is published."""
    said = run("policy", "publish", "payments", "stricter.yaml", "--reason", "a fraud ring", *more).output
    return said.split()[2]


def listed() -> dict[str, object]:
    shown: dict[str, object] = json.loads(run("policy", "list", "payments", "--json").stdout)
    return shown


def test_a_policy_is_published_compared_and_taken_back(database: Database) -> None:
    first = listed()["in_force"]
    assert isinstance(first, str)
    version = published()
    assert listed()["in_force"] == version != first
    assert run("policy", "show", "payments").output == STRICTER
    assert run("policy", "show", "payments", first).output == POLICY
    assert "-  - {id: safe, when: 'prediction.score < 0.3'" in run("policy", "diff", "payments", first).output
    run("policy", "use", "payments", first, "--reason", "too strict")
    assert f"{first} (in force)" in run("policy", "list", "payments").output
    with database.begin() as tx:
        entry = audit.page(tx, action="policy.set", limit=1)[0]
    assert (entry.reason, entry.before, entry.after) == ("too strict", {"version": version}, {"version": first})


def test_a_policy_kept_aside_is_not_in_force() -> None:
    first, version = listed()["in_force"], published("--aside")
    assert (listed()["in_force"], listed()["aside"]) == (first, [version])
    assert f"{version} (aside)" in run("policy", "list", "payments").output


def test_what_does_not_fit_is_named_with_file_and_line(project: Path) -> None:
    (project / "stricter.yaml").write_text(STRICTER.replace("prediction.score", "input.amuont"))
    said = run("policy", "publish", "payments", "stricter.yaml", "--reason", "x", status=2).output
    assert "stricter.yaml:4:" in said
    assert "amuont" in said
    assert "no policy version" in run("policy", "use", "payments", "f" * 12, "--reason", "x", status=4).output


def test_code_that_is_not_released_is_not_what_a_policy_is_checked_against(project: Path) -> None:
    (project / "automation.py").write_text(AUTOMATION.replace("country: str", "land: str"))
    said = run("policy", "publish", "payments", "stricter.yaml", "--reason", "x", status=5).output
    assert "is not version 1, which is released" in " ".join(said.split())
    (project / "automation.py").write_text(AUTOMATION)
    (project / "policy.yaml").write_text(STRICTER)
    published()


def test_a_release_with_another_policy_on_disk_puts_it_in_force(project: Path) -> None:
    (project / "policy.yaml").write_text(STRICTER)
    said = run("release", "payments", "--reason", "stricter").output
    assert "version 2 is released" in said
    assert "before: version 1" in said
    assert run("policy", "show", "payments").output == STRICTER
    back = run("release", "payments", "--version", "1", "--reason", "back").output
    assert "version 1 is released" in back
    history = json.loads(run("releases", "payments", "--json").stdout)
    assert [(one["version"], one["before"], one["reason"]) for one in history] == [
        (1, 2, "back"),
        (2, 1, "stricter"),
        (1, None, "the first"),
    ]
    assert "Version 2, deployed by cli:" in run("releases", "payments").output


def test_who_brought_a_version_does_not_release_it_where_that_takes_somebody_else(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANDON_RELEASES_AUTHOR_MAY_APPROVE", "false")
    (project / "policy.yaml").write_text(STRICTER)
    said = run("release", "payments", "--reason", "mine", status=3).output
    assert "deployed version 2 of payments" in " ".join(said.split())
    monkeypatch.setattr("getpass.getuser", lambda: "bob")
    assert "released, by cli:bob" in run("release", "payments", "--reason", "reviewed").output
