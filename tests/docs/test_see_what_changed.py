"""The pages about changes name the window, the kinds, the commands and the requests that there are."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from andon.changes import CHANGING, WINDOW
from andon.changes.moments import SHOWN
from andon.cli import app

DOCS = Path(__file__).parents[2] / "docs"
HOW_TO = (DOCS / "how-to" / "see-what-changed.md").read_text(encoding="utf-8")
EXPLAIN = (DOCS / "explain" / "change-figures.md").read_text(encoding="utf-8")


def test_the_window_is_the_one_that_holds() -> None:
    assert {int(days) for days in re.findall(r"(\d+) days", EXPLAIN)} == {WINDOW.days}
    assert f"within {WINDOW.days} days" in HOW_TO
    assert SHOWN == 12
    assert "twelve acts before" in HOW_TO


def test_every_kind_of_change_is_explained_and_no_other() -> None:
    assert tuple(re.findall(r"^- \*\*(\w+)\*\*:", EXPLAIN, re.M)) == CHANGING


@pytest.mark.parametrize("command", ["kpi", "history"])
def test_the_commands_exist_with_their_options(command: str) -> None:
    known = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "200", "TERM": "dumb"}).output
    lines = re.findall(rf"^andon {command} .*$", HOW_TO, re.M)
    assert lines
    for option in re.findall(r"--[a-z]+", " ".join(lines)):
        assert option in known


def test_the_requests_are_in_the_reference() -> None:
    api = (DOCS / "reference" / "api.md").read_text(encoding="utf-8")
    paths = re.findall(r"`GET (/v1/[^?`]+)", HOW_TO)
    assert len(paths) == 3
    assert all(path in api for path in paths)
