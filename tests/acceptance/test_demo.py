"""`script/demo --once`, as a newcomer runs it: calls, events from a table or a real broker, and the comparison."""

import os
import re
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import psutil
import pytest

from andon_demo.brokers import kafka_program, nats_program

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
TRANSFERS = 600
PATIENCE = 240
"""Seconds; it takes about twenty on two free cores, most of which is training the model."""

MARK = "ANDON_DEMO_TEST"

KINDS = {
    "table": ("a table of the bank", lambda: "none needed"),
    "nats": ("a NATS JetStream stream", nats_program),
    "kafka": ("a Kafka topic", kafka_program),
}


@pytest.mark.timeout(PATIENCE + 10)
@pytest.mark.parametrize(
    "kind", ["table", *(pytest.param(one, marks=pytest.mark.campaign) for one in ("nats", "kafka"))]
)
def test_the_demo_tells_the_whole_story_and_leaves_nothing_running(kind: str, short_folder: Path) -> None:
    words, program = KINDS[kind]
    if program() is None:
        pytest.skip(f"no broker for --broker {kind} is installed")
    folder = short_folder / "demo"
    asked = ["--once", "--transfers", str(TRANSFERS), "--folder", str(folder)]
    asked += [] if kind == "table" else ["--broker", kind]
    mark = uuid4().hex
    done = subprocess.run(
        [sys.executable, "-m", "andon_demo", *asked],
        cwd=ROOT,
        env={**os.environ, MARK: mark},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said

    calls, events = _row(said, "Called, urgent"), _row(said, f"From {words}")
    assert calls[0] == calls[1]
    assert events[0] == events[1]
    assert calls[0] + events[0] == _row(said, "Decisions")[0] == TRANSFERS
    delivered = _row(said, "Actions delivered")
    assert delivered[0] == delivered[1] > TRANSFERS / 2
    assert _row(said, "priority path")[0] == calls[0]
    assert _row(said, "event path")[0] == events[0]
    assert 0 < _row(said, "one by one")[0] <= events[0]
    assert [process for process in psutil.process_iter() if _belongs(process, folder, mark)] == []


def _row(said: str, name: str) -> list[int]:
    """Return the whole numbers of a line of the summary."""
    (line,) = [line for line in said.splitlines() if f" {name} " in line and "│" in line]
    return [int(number.replace(",", "")) for number in re.findall(r"\b\d[\d,]*\b", line)]


def _belongs(process: psutil.Process, folder: Path, mark: str) -> bool:
    """Return whether the demo started a process: by its environment, or by its command for PostgreSQL's user."""
    try:
        return any(str(folder) in word for word in process.cmdline()) or process.environ().get(MARK) == mark
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False
