"""The page "Restart without losing a request" is true: its commands exist and its figures are those of the code."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from andon.cli import app
from andon.cli.restart import What
from andon.supervisor import part
from andon.wire.draining import DRAIN_SECONDS, HURRY_SECONDS, QUIET_SECONDS

PAGE = (Path(__file__).parents[2] / "docs/how-to/restart.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("line", re.findall(r"^andon .*$", PAGE, re.MULTILINE))
def test_every_command_exists(line: str) -> None:
    _, command, *arguments = line.split()
    assert CliRunner().invoke(app, [command, "--help"]).exit_code == 0
    assert set(arguments) <= set(What)


def test_the_figures_are_those_of_the_code() -> None:
    page = " ".join(PAGE.split())
    assert f"closed after {QUIET_SECONDS:.0f} seconds" in page
    assert f"still runs after {HURRY_SECONDS:.0f} seconds" in page
    assert f"After {DRAIN_SECONDS:.0f} seconds the rest" in page
    assert f"give it {part.DRAIN_SECONDS:.0f} seconds before" in page


def test_the_channel_asks_again_as_the_page_says() -> None:
    pytest.importorskip("grpc")
    (program,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict[str, object] = {}
    exec(compile(program, "docs/how-to/restart.md", "exec"), names)
    names["channel"].close()  # type: ignore[attr-defined]
