"""The command line as a whole: every command loads, errors end with words and the exit code of their kind."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from andon.cli import COMMANDS, app
from andon.version import __version__


def run(*arguments: str) -> tuple[int, str, str]:
    ended = CliRunner().invoke(app, list(arguments))
    return ended.exit_code, ended.stdout, ended.stderr


def test_the_version_is_told() -> None:
    assert run("--version") == (0, f"{__version__}\n", "")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str) -> None:
    status, told, _ = run(command, "--help")
    assert (status, "Usage: " in told) == (0, True)


def test_what_is_no_command_is_refused() -> None:
    assert run("deploy")[0] == 2


def test_an_error_is_told_in_words_without_a_traceback(tmp_path: Path) -> None:
    status, told, error = run("decide", str(tmp_path / "none.csv"))
    assert (status, told) == (2, "")
    assert "There is no file" in error
    assert "Traceback" not in error
