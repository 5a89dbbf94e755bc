"""The page "Call with the Open Inference Protocol": its examples run as they are, its tables are correct."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from andon.access import ROLES, Permission, Role
from andon.gateway.inference.outputs import OUTPUTS
from andon.kernel.db import Database
from calls import call
from foreign import clients_python
from inferring import Doors, inferring
from lines import CALLER, Installation, install

PAGE = (Path(__file__).parents[2] / "docs/how-to/call-by-open-inference.md").read_text(encoding="utf-8")
SHELL = re.findall(r"```sh\n(.+?)```", PAGE, re.DOTALL)
PYTHON = re.findall(r"```python\n(.+?)```", PAGE, re.DOTALL)


@pytest.fixture
def installation(standing: None, database: Database, tmp_path: Path) -> Installation:
    return install(database, tmp_path)


@pytest.fixture
def environment(installation: Installation) -> dict[str, str]:
    return {**os.environ, "ANDON_KEY": installation.key("bank", CALLER)}


@pytest.fixture
def doors(installation: Installation, environment: dict[str, str]) -> Iterator[Doors]:
    with inferring(installation) as doors:
        yield doors


def run(command: list[str | Path], environment: dict[str, str]) -> str:
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def at(doors: Doors, block: str) -> str:
    """Return an example for the gateway of this test."""
    return block.replace("127.0.0.1:8080", doors.http).replace("127.0.0.1:9000", doors.grpc)


def test_the_request_it_shows_is_answered(doors: Doors, environment: dict[str, str]) -> None:
    (block,) = SHELL
    said = run(["bash", "-euo", "pipefail", "-c", at(doors, block)], environment)
    assert '"id":"42"' in said
    assert '"data":["release","pause"]' in said


@pytest.mark.parametrize("block", PYTHON, ids=["http", "grpc"])
def test_the_programs_it_shows_run(doors: Doors, environment: dict[str, str], block: str) -> None:
    said = run([clients_python(), "-W", "ignore", "-c", at(doors, block)], environment)
    assert "release" in said


def test_the_outputs_it_lists_are_those_there_are() -> None:
    table = PAGE.partition("## Outputs")[2].partition("\n\nThe parameters")[0]
    rows = re.findall(r"^\| (`.+?`) \| ([A-Z0-9]+) \|", table, re.MULTILINE)
    listed = {name: datatype for names, datatype in rows for name in re.findall(r"`(\w+)`", names)}
    assert listed == {tensor.name: tensor.datatype for tensor in OUTPUTS}


def test_the_addresses_it_lists_exist(installation: Installation) -> None:
    key = installation.key("bank", CALLER)
    listed = re.findall(r"`(GET|POST) (/v2[^`]*)`", PAGE)
    assert len(listed) == 10
    for method, path in listed:
        known = path.replace("{name}", "payments").replace("{version}", "1")
        status = call(installation, method, known, key, **({"json": {}} if method == "POST" else {})).status_code
        assert status in (200, 400, 403), (path, status)


def test_an_operator_may_choose_the_version_and_a_caller_may_not() -> None:
    assert Permission.PIN_VERSION in ROLES[Role.OPERATOR]
    assert Permission.PIN_VERSION not in ROLES[Role.CALLER]
