"""The tutorial and the page "Start from your data" work: every command is run, every message is a real one."""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from andon import datafile
from andon_demo.line import free_ports

pytestmark = pytest.mark.long

DOCS = Path(__file__).parents[2] / "docs"
SOURCE = Path(__file__).parents[2] / "src" / "andon"
TUTORIAL = (DOCS / "tutorial" / "first-line.md").read_text(encoding="utf-8")
HOW_TO = (DOCS / "how-to" / "start-from-your-data.md").read_text(encoding="utf-8")

UP = "andon up\n"
COMMANDS = re.findall(r"```sh\n(.*?)```", TUTORIAL, re.DOTALL)


@pytest.fixture
def folder() -> Iterator[Path]:
    """Yield a folder that another user can traverse: the embedded PostgreSQL does not run as root."""
    with tempfile.TemporaryDirectory(prefix="andon-") as place:
        Path(place).chmod(0o755)
        yield Path(place)


@pytest.fixture
def environment() -> dict[str, str]:
    """Return the reader's environment, with free ports."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("ANDON_")}
    names = [f"ANDON_{process}_PORT" for process in ("GATEWAY", "CONSOLE", "WORKER")]
    ports = dict(zip(names, map(str, free_ports(3)), strict=True))
    return {**clean, **ports, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}


@pytest.mark.timeout(300)
def test_every_command_of_the_tutorial_works(folder: Path, environment: dict[str, str]) -> None:
    for name, script in re.findall(r"Save it as `(\S+)`:\n\n```python\n(.*?)```", TUTORIAL, re.DOTALL):
        (folder / name).write_text(script, encoding="utf-8")
    before, after = COMMANDS[: COMMANDS.index(UP)], COMMANDS[COMMANDS.index(UP) + 1 :]
    told = shell(folder, before, environment)
    assert "'1' counts as positive" in told
    with running_line(folder / "orders", environment):
        told = shell(folder / "orders", after, environment)
    assert "│ orders" in told
    assert " passed" in told
    assert '"outcome":"clear"' in told
    assert '"outcome":"review"' in told
    assert "UNEXPECTED_VALUES" in told
    assert "greater than or equal to 0" in told
    assert "Nothing was altered" in told
    assert "1,000 identical (100.00%)" in told
    outcomes = {line.split(",")[2] for line in (folder / "orders.decisions.csv").read_text().splitlines()[1:]}
    assert {"flag", "clear"} <= outcomes <= {"flag", "clear", "review"}


@contextmanager
def running_line(folder: Path, environment: dict[str, str]) -> Iterator[None]:
    """`andon up`, until the block ends; then it must stop cleanly."""
    process = subprocess.Popen(
        UP.split(), cwd=folder, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    try:
        assert process.stdout is not None
        seen: list[str] = []
        while "Everything is running" not in "".join(seen[-1:]):
            seen.append(process.stdout.readline())
            assert seen[-1], "".join(seen)
        yield
    finally:
        process.terminate()
        process.communicate(timeout=60)
    assert process.returncode == 0


def shell(folder: Path, blocks: list[str], environment: dict[str, str]) -> str:
    """Return what the commands print, run in one shell that ends at the first failure."""
    script = "".join(blocks).replace(":8080/", f":{environment['ANDON_GATEWAY_PORT']}/")
    ended = subprocess.run(
        ["bash", "-euxo", "pipefail", "-c", script],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout
    return ended.stdout


def test_the_missing_values_it_lists_are_those_that_count_as_missing() -> None:
    listed = HOW_TO.partition("<!-- missing: begin -->")[2].partition("<!-- missing: end -->")[0]
    assert {"", *re.findall(r"`(.+?)`", listed)} == set(datafile.MISSING)


@pytest.mark.parametrize(
    "message", re.findall(r"^\| `(.+?)` \|", HOW_TO.partition("## What is refused")[2], re.MULTILINE)
)
def test_each_refusal_it_explains_is_one_that_is_spoken(message: str) -> None:
    assert message in _spoken()


@pytest.mark.parametrize(
    "warning", re.findall(r"\*\*(.+?)\*\*", HOW_TO.partition("## Warnings")[2].partition("\n## ")[0])
)
def test_each_warning_it_explains_is_one_that_is_spoken(warning: str) -> None:
    said = warning.removesuffix("...").strip()
    assert re.sub(r"\{.*?\} ?", "", said) in re.sub(r"\{[^{}]*\} ?", "", _spoken())


@pytest.mark.parametrize("page", ["tutorial/first-line.md", "how-to/start-from-your-data.md"])
def test_its_links_lead_somewhere(page: str) -> None:
    file = DOCS / page
    for link in re.findall(r"\]\((?!https?:)([^)#:]+)", file.read_text(encoding="utf-8")):
        assert (file.parent / link).exists(), link


def _spoken() -> str:
    code = "".join(
        path.read_text(encoding="utf-8") for part in ("datafile", "scaffold") for path in (SOURCE / part).rglob("*.py")
    )
    return re.sub(r'"\s*\n\s*f?"', "", code)
