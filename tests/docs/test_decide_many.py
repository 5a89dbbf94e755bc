"""The page "Decide in batches or asynchronously" is correct: its commands and programs run against a real gateway."""

import json
import os
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from andon.gateway.batch import arrow, spool
from andon.gateway.headers import LONGEST_WAIT
from andon.gateway.waiters import MOST
from andon.kernel.config import GatewaySettings, Settings
from andon.kernel.db import Database
from automations import payment
from lines import CALLER, Installation, install
from listening import listening

PAGE = (Path(__file__).parents[2] / "docs/how-to/decide-many.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def installation(standing: None, database: Database, tmp_path: Path) -> Installation:
    return install(database, tmp_path)


@pytest.fixture
def key(installation: Installation) -> str:
    return installation.key("bank", CALLER)


@pytest.fixture
def url(installation: Installation, key: str) -> Iterator[str]:
    with listening(installation) as url:
        yield url


def run(command: str, folder: Path, url: str, key: str) -> str:
    environment = {**os.environ, "URL": url, "KEY": key, "NO_PROXY": "127.0.0.1"}
    done = subprocess.run(
        ["sh", "-eu", "-c", command], cwd=folder, env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def program(number: int) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(compile(blocks("python")[number], "decide-many.md", "exec"), names)
    return names


def test_a_file_is_sent_by_curl(url: str, key: str, tmp_path: Path) -> None:
    rows = "".join(json.dumps(payment(n)) + "\n" for n in range(300))
    (tmp_path / "payments.ndjson").write_text(rows, encoding="utf-8")
    for _ in range(2):
        run(blocks("sh")[0], tmp_path, url, key)
        answers = [json.loads(line) for line in (tmp_path / "answers.ndjson").read_text(encoding="utf-8").splitlines()]
        assert [answer["outcome"] for answer in answers] == ["release"] * 300


def test_its_python_streams_rows_and_answers(url: str, key: str) -> None:
    rows = ({**payment(n), **({"amount": -1} if n == 17 else {})} for n in range(300))
    answers = list(program(0)["decide_many"](url, key, "payments", rows, "run-1"))
    assert [n for n, answer in enumerate(answers) if "error" in answer] == [17] == [answers[17]["row"]]
    told = json.loads(blocks("json")[0])
    assert (answers[17]["error"]["status"], answers[17]["error"]["code"]) == (
        told["error"]["status"],
        told["error"]["code"],
    )
    assert answers[17]["error"]["errors"][0]["field"] == told["error"]["errors"][0]["field"]


def test_its_arrow_decides_a_table(url: str, key: str) -> None:
    table = pa.Table.from_pylist([payment(n) for n in range(2_500)])
    answers = program(1)["decide_table"](url, key, "payments", table)
    assert answers.column("outcome").to_pylist() == ["release"] * 2_500


def test_its_commands_accept_and_wait(url: str, key: str, tmp_path: Path) -> None:
    accept, wait = blocks("sh")[1:3]
    run(accept, tmp_path, url, key)
    assert "?wait=20" in wait
    told = json.loads(run(wait.replace("?wait=20", "?wait=0.2"), tmp_path, url, key))
    assert told["status"] == "pending"


def test_its_numbers_are_those_of_the_code() -> None:
    assert f"up to {LONGEST_WAIT:.0f} seconds" in PAGE
    assert f"At most {MOST:,}" in PAGE
    assert GatewaySettings().results_seconds == 7 * 24 * 3600
    assert arrow.MESSAGE_BYTES == 16 << 20
    assert spool.ON_DISK == 1 << 30


def test_its_destination_is_open_for_notices() -> None:
    settings = Settings(**tomllib.loads(blocks("toml")[0]))
    assert settings.destinations["orders"].notify
    assert "Andon-Notify: orders" in blocks("sh")[3]
