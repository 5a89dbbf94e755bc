"""Mails made to break whoever reads them get an answer, in bounded memory and time."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

MEMORY = 700
"""MiB of addresses that the process may have, Python and its libraries included; the largest mail has 30."""

SECONDS = 20.0
"""Of the processor for one mail, on a slow machine that does much else."""

REFUSED = {
    "deep": "max_depth",
    "deep mails": "max_depth",
    "many parts": "lines",
    "many headers": "max_headers",
    "long header": "max_header_bytes",
    "many lines": "lines",
    "many recipients": "max_headers",
    "type comments": "cannot be parsed",
}


@pytest.fixture(scope="module")
def answers() -> dict[str, Any]:
    """Read all of them in one process with little memory."""
    program = Path(__file__).with_name("bombs.py")
    done = subprocess.run([sys.executable, str(program), str(MEMORY)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_each_gets_an_answer_in_time(answers: dict[str, Any]) -> None:
    assert {name: one["refused"] for name, one in answers.items() if "refused" in one}.keys() == REFUSED.keys()
    for name, why in REFUSED.items():
        assert why in answers[name]["refused"]
    assert max(answers.values(), key=lambda one: one["seconds"])["seconds"] < SECONDS


def test_no_event_holds_more_than_its_limits(answers: dict[str, Any]) -> None:
    read = [one for one in answers.values() if "refused" not in one]
    assert max(one["text"] for one in read) <= 100_010
    assert max(one["to"] for one in read) == 100


def test_many_recipients_are_counted(answers: dict[str, Any]) -> None:
    assert answers["recipients"]["recipients"] == 5000


def test_an_archive_is_kept_as_it_came_and_not_unpacked(answers: dict[str, Any]) -> None:
    [size] = answers["zip"]["attachments"]
    assert size < 2 * 2**20
    assert answers["large"]["attachments"] == [22 * 2**20]
