"""`andon procedures`: the same at a terminal."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from typer.testing import CliRunner

from andon import Procedure, procedure
from andon.cli import app
from andon.kernel.db import Database
from andon.procedures import RunState
from conducting import conducting, start, until


@procedure("stand")
async def stand(p: Procedure, given: dict[str, Any]) -> Any:
    await p.step(str, "x", name="first")
    answer = await p.wait_for("go")
    return answer and answer.data


@pytest.fixture
def waiting(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[UUID]:
    (tmp_path / "andon.toml").write_text('[project]\nname = "test"\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ANDON_DATABASE_URL", database.url)
    with conducting(database, stand) as conductor:
        one = start(database, conductor, "stand")
        until(database, one, RunState.WAITING)
        yield one


def run(*arguments: str, status: int = 0) -> str:
    result = CliRunner().invoke(app, ["procedures", *arguments])
    assert result.exit_code == status, result.output
    return result.output


def test_one_is_looked_at_stopped_let_go_on_told_and_forked(database: Database, waiting: UUID) -> None:
    (listed,) = json.loads(run("list", "--state", "waiting", "--json"))
    assert (listed["id"], listed["waits_for"]) == (str(waiting), "wait:go")
    assert "stand" in run("list")
    assert "stopped" in run("cancel", str(waiting), "--reason", "wrong account")
    assert "it continues" in run("resume", str(waiting), "--reason", "right after all")
    run("resume", str(waiting), "--reason", "again", status=5)
    assert run("send", str(waiting), "go", "--data", '{"on": 1}', "--key", "k") == "sent\n"
    assert "already sent" in run("send", str(waiting), "go", "--data", '{"on": 1}', "--key", "k")
    run("send", str(waiting), "go", "--data", "{no json", status=2)
    until(database, waiting, RunState.DONE)
    shown = json.loads(run("show", str(waiting), "--json"))
    assert (shown["result"], [step["name"] for step in shown["timeline"]]) == ({"on": 1}, ["first", "go"])
    assert [note["action"] for note in shown["notes"]] == [
        "procedure.event",
        "procedure.resume",
        "procedure.cancel",
    ]
    assert "wrong account" in run("show", str(waiting))
    forked = run("fork", str(waiting), "--from-step", "2", "--reason", "once more").strip()
    until(database, UUID(forked), RunState.WAITING)
    run("show", str(UUID(int=5)), status=4)
