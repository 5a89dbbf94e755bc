"""The page "Call from a program": the client it generates is generated, and the program it shows runs."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from andon.access import Grant, Role
from andon.kernel.db import Database
from foreign import generators_python
from lines import Installation, install
from listening import listening

PAGE = (Path(__file__).parents[2] / "docs/how-to/call-from-a-program.md").read_text(encoding="utf-8")
SHELL = re.findall(r"```sh\n(.+?)```", PAGE, re.DOTALL)
PYTHON = re.findall(r"```python\n(.+?)```", PAGE, re.DOTALL)


@pytest.fixture
def installation(standing: None, database: Database, tmp_path: Path) -> Installation:
    return install(database, tmp_path)


@pytest.fixture
def environment(installation: Installation) -> dict[str, str]:
    path = f"{generators_python().parent}:{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "ANDON_KEY": installation.key("otto", Grant(Role.OPERATOR, "payments"))}


@pytest.fixture
def gateway(installation: Installation, environment: dict[str, str]) -> Iterator[str]:
    """One that knows the key."""
    with listening(installation) as url:
        yield url


def test_the_client_it_generates_decides(gateway: str, environment: dict[str, str], tmp_path: Path) -> None:
    (shell,), (python,) = SHELL, PYTHON
    run(["bash", "-euo", "pipefail", "-c", shell.replace("http://127.0.0.1:8080", gateway)], environment, tmp_path)
    program = python.replace("http://127.0.0.1:8080", gateway)
    said = run([str(generators_python()), "-c", program], environment, tmp_path).split()
    assert (said[0], said[2:]) == ("release", ["release", "release"])


def run(command: list[str], environment: dict[str, str], folder: Path) -> str:
    done = subprocess.run(
        command, env=environment, cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
