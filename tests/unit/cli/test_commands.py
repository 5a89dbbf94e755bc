"""The command line as a whole: every command loads, errors end with words and the exit code of their kind."""

import inspect
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from andon.cli import COMMANDS, app, loaded
from andon.version import __version__
from limits import room_for


def run(*arguments: str) -> tuple[int, str, str]:
    ended = CliRunner().invoke(app, list(arguments))
    return ended.exit_code, ended.stdout, ended.stderr


def test_the_version_is_told() -> None:
    assert run("--version") == (0, f"{__version__}\n", "")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str) -> None:
    status, told, _ = run(command, "--help")
    assert (status, "Usage: " in told) == (0, True)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_all_says_of_each_what_it_says_of_itself(command: str) -> None:
    first = inspect.cleandoc(loaded(command).help).split("\n\n")[0]
    assert COMMANDS[command].help == first.replace("\n", " ")


def test_the_help_of_all_loads_no_command() -> None:
    program = (
        "import sys; from andon.cli import app; app(['--help'], standalone_mode=False)\n"
        "print([name for name in sys.modules if name.startswith(('andon.cli.', 'sqlalchemy', 'numpy'))])"
    )
    told = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    ).stdout
    assert "procedures" in told
    assert told.splitlines()[-1] == "[]"


@pytest.mark.parametrize(("arguments", "kept"), [(["keys", "--help"], True), (["--help"], False), (["deploy"], False)])
def test_the_program_keeps_what_its_command_loads_out_of_the_collectors_sight(arguments: list[str], kept: bool) -> None:
    program = (
        "import gc, sys; from andon.cli import main\n"
        "try: main()\n"
        "except SystemExit: print(gc.isenabled(), gc.get_freeze_count() > 100_000, 'andon.cli.keys' in sys.modules)"
    )
    told = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True, timeout=60
    ).stdout
    assert told.splitlines()[-1] == f"True {kept} {kept}"


def test_what_is_no_command_is_refused() -> None:
    assert run("deploy")[0] == 2


def test_what_is_no_command_is_refused_with_what_was_perhaps_meant() -> None:
    status, _, error = run("modles")
    assert status == 2
    assert "'models'" in error


def test_an_error_is_told_in_words_without_a_traceback(tmp_path: Path) -> None:
    status, told, error = run("decide", str(tmp_path / "none.csv"))
    assert (status, told) == (2, "")
    assert "There is no file" in error
    assert "Traceback" not in error


def test_a_disk_without_room_is_told_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with room_for(100):
        status, told, error = run("connectors", "new", "teller")
    assert (status, told) == (6, "")
    assert error == "error: File too large\n"


def test_words_of_up_that_cannot_be_written_end_nothing() -> None:
    program = "import sys; from andon.cli.up import say; say('ready'); print('goes on', file=sys.stderr)"
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-c", program], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.stderr.startswith("goes on\n")
