"""Starts one peer as a separate process, waits for a correct answer, and ends it with everything that it started."""

import contextlib
import json
import os
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from andon.kernel import postgres
from andon_demo.line import free_ports
from benchmarks.loadgen import Load, LoadFailed
from benchmarks.peers import FOLDER, Peer, Row
from benchmarks.side import Family, Side

READY_SECONDS = 120.0
STOP_SECONDS = 15.0
TOLERANCE = 1e-4
ONE_THREAD = {"OMP_NUM_THREADS": "1"}


class PeerFailed(Exception):
    """A peer did not start, or did not answer correctly; the message holds the reason."""


@dataclass(frozen=True, slots=True)
class Started:
    """A side that answers, and the seconds from its start to its first right answer."""

    side: Side
    seconds: float


@dataclass(frozen=True, slots=True)
class Task:
    """The input of every peer: the model's file, the rows, and the model's own prediction for the first row."""

    model: Path
    rows: Sequence[Row]
    score: float


def prepare(peer: Peer, python: Path, task: Task, scratch: Path) -> None:
    """Run what a peer needs once before it is started (`prepare.py`, if it has one). Raises PeerFailed."""
    scratch.mkdir(exist_ok=True)
    script = peer.place / "prepare.py"
    if not script.exists():
        return
    done = subprocess.run(
        [python, script],
        env=_environment(task, scratch),
        cwd=peer.place,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if done.returncode != 0:
        raise PeerFailed(f"prepare.py failed: {_end_of(done.stderr)}")


@contextlib.contextmanager
def running(peer: Peer, python: Path, task: Task, scratch: Path) -> Iterator[Started]:
    """Run the peer, from its first correct answer. `scratch` is a folder of its own. Raises PeerFailed."""
    with contextlib.ExitStack() as stack:
        environment = {**_environment(task, scratch), **peer.environment}
        server = stack.enter_context(postgres.lend(scratch / "postgres")) if peer.database else None
        if server is not None:
            environment["DATABASE_URL"] = server.url
        port, *spare = free_ports(3)
        environment |= {"PORT": str(port), "SPARE_PORTS": ",".join(map(str, spare))}
        began = time.perf_counter()
        process = stack.enter_context(_process(peer, python, environment, scratch / "server.log"))
        load = Load(
            f"http://127.0.0.1:{port}{peer.path}",
            [json.dumps(peer.body(row)) for row in task.rows],
            1,
            1.0,
            peer.expect,
        )
        _wait_for_answer(peer, load, process, task.score, scratch / "server.log")
        seconds = time.perf_counter() - began
        try:
            yield Started(Side(load, lambda: _family(process, server)), seconds)
        except LoadFailed as failure:
            raise PeerFailed(f"stopped answering: {_end_of(str(failure))}") from failure


def _environment(task: Task, scratch: Path) -> dict[str, str]:
    """Return our environment, without variables that mislead another Python."""
    inherited = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    return {
        **inherited,
        **ONE_THREAD,
        "PYTHONPATH": str(FOLDER / "shared"),
        "MODEL_FILE": str(task.model),
        "FEATURES": ",".join(task.rows[0]),
        "SCRATCH": str(scratch),
    }


@contextlib.contextmanager
def _process(peer: Peer, python: Path, environment: dict[str, str], log: Path) -> Iterator[psutil.Popen]:
    """Run the server; end it gracefully, then every process left of it, each by its id."""
    with log.open("wb") as output:
        process = psutil.Popen(
            [str(python), "server.py"],
            cwd=peer.place,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        with contextlib.suppress(psutil.NoSuchProcess):
            _end([process, *process.children(recursive=True)])
        process.wait(STOP_SECONDS)


def _end(family: list[psutil.Process]) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        family[0].terminate()
    left = psutil.wait_procs(family[:1], timeout=STOP_SECONDS)[1]
    left += psutil.wait_procs(family[1:], timeout=1)[1]
    for process in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(left, timeout=5)


def _wait_for_answer(peer: Peer, load: Load, process: psutil.Popen, score: float, log: Path) -> None:
    until = time.monotonic() + READY_SECONDS
    while True:
        answer = _ask(load.url, load.bodies[0])
        if answer is not None:
            break
        if process.poll() is not None:
            raise PeerFailed(f"ended with {process.returncode}: {_end_of(log.read_text(errors='replace'))}")
        if time.monotonic() > until:
            raise PeerFailed(f"no answer within {READY_SECONDS:.0f} s: {_end_of(log.read_text(errors='replace'))}")
        time.sleep(0.02)
    told = peer.score(answer)
    if abs(told - score) > TOLERANCE:
        raise PeerFailed(f"serves another model: it answered {told}, but the file gives {score}")


def _ask(url: str, body: str) -> Any:
    """Return the answer, or None if there is none yet."""
    request = urllib.request.Request(url, body.encode(), {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)
    except (urllib.error.URLError, OSError, ValueError):
        return None


def _family(process: psutil.Popen, server: postgres.Server | None) -> Family:
    with contextlib.suppress(psutil.NoSuchProcess):
        family = {"server": [process, *process.children(recursive=True)]}
        if server is not None:
            postmaster = psutil.Process(server.pid)
            family["postgres"] = [postmaster, *postmaster.children(recursive=True)]
        return family
    return {}


def _end_of(text: str) -> str:
    lines = [line for line in text.strip().splitlines() if line.strip()]
    return " / ".join(lines[-3:])[-400:]
