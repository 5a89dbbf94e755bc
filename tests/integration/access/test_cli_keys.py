"""`andon keys`, run as a person would run it in a project's folder."""

import json
from pathlib import Path

import pytest
from tests.people import LINE
from typer.testing import CliRunner, Result

from andon.access import KeyRing
from andon.bootstrap.installation import pepper_of, settings_here
from andon.cli import app
from andon.kernel.clock import SystemClock
from andon.kernel.db import Database


@pytest.fixture(autouse=True)
def in_a_project(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ANDON_DATABASE_URL", database.url)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["keys", *arguments])


def test_a_key_is_printed_alone_on_standard_output_and_opens_what_was_granted(database: Database) -> None:
    made = run(
        "create", "--name", "rita", "--role", "reviewer", "--role", "caller", "--automation", LINE, "--reason", "joined"
    )
    assert made.exit_code == 0, made.output
    assert "reviewer in transfer-screening" in made.stderr
    token = made.stdout.strip()
    assert token.startswith("andon_")
    assert token not in made.stderr
    keys, now = KeyRing(pepper_of(settings_here())), SystemClock().now()
    with database.begin() as tx:
        keys.refresh(tx, now)
    assert {(g.role, g.automation) for g in keys.authenticate(token, now).grants} == {
        ("reviewer", LINE),
        ("caller", LINE),
    }


def test_the_list_shows_each_key_and_no_secret() -> None:
    token = run("create", "--name", "ada", "--role", "admin", "--expires", "90d", "--reason", "first").stdout.strip()
    listed = json.loads(run("list", "--json").stdout)
    assert [(key["name"], key["grants"], key["alive"]) for key in listed] == [
        ("ada", [{"role": "admin", "automation": None}], True)
    ]
    assert listed[0]["expires_at"] is not None
    for shown in (run("list").stdout, run("list", "--json").stdout):
        assert "ada" in shown
        assert token.rsplit("_", 1)[1] not in shown


def test_a_key_is_revoked_by_name_but_not_the_last_admin() -> None:
    run("create", "--name", "ada", "--role", "admin", "--reason", "first")
    run("create", "--name", "rita", "--role", "viewer", "--reason", "second")
    assert "is revoked" in run("revoke", "rita", "--reason", "left").stdout
    refused = run("revoke", "ada", "--reason", "left")
    assert (refused.exit_code, "last living key" in refused.stderr) == (5, True)
    assert run("revoke", "nobody", "--reason", "left").exit_code == 4


@pytest.mark.parametrize(
    ("expires", "told"),
    [
        ("soon", "A span is a number"),
        ("99999999999d", "beyond the calendar"),
        ("9999999d", "beyond the calendar"),
        ("3654d", "expires_at: a future time, within the next ten years"),
    ],
)
def test_an_expiry_that_is_none_is_refused(expires: str, told: str) -> None:
    refused = run("create", "--name", "rita", "--role", "viewer", "--expires", expires, "--reason", "x")
    assert (refused.exit_code, told in refused.stderr) == (2, True), refused.output


def test_a_key_is_not_named_as_who_works_on_the_command_line() -> None:
    refused = run("create", "--name", "cli:root", "--role", "viewer", "--reason", "x")
    assert (refused.exit_code, "name: not `andon`" in refused.stderr) == (2, True), refused.output


def test_the_pepper_may_come_from_the_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ANDON_ACCESS_PEPPER", "5e" * 32)
    assert run("create", "--name", "ada", "--role", "admin", "--reason", "first").exit_code == 0
    assert not (tmp_path / ".andon" / "pepper").exists()
