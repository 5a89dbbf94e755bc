"""A peer is ready when it answers rightly, and nothing of it is left when its turn ends."""

import dataclasses
import sys
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any

import psutil
import pytest
from benchmarks.loadgen import Load
from benchmarks.peers import FASTAPI, Peer
from benchmarks.peers.running import PeerFailed, Started, Task, running
from benchmarks.side import Side

SERVER = """
import http.server, json, os, signal, subprocess, sys

class Answers(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        body = json.dumps({"score": %s}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *arguments):
        pass

STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(60)"
child = subprocess.Popen([sys.executable, "-c", STUBBORN], stdout=subprocess.PIPE)
child.stdout.readline()
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Answers).serve_forever()
"""


@pytest.fixture
def task(tmp_path: Path) -> Task:
    return Task(tmp_path / "model.onnx", [{"amount": 1.0}], 0.25)


def a_peer(folder: Path, code: str) -> Peer:
    (folder / "server.py").write_text(code)
    return dataclasses.replace(FASTAPI, folder=str(folder))


def load_the_dead(started: Started) -> None:
    for process in started.side.family()["server"]:
        process.kill()
        process.wait(5)
    started.side.measure(1, 0.2)


def test_it_is_measured_and_nothing_of_it_is_left(tmp_path: Path, task: Task) -> None:
    peer = a_peer(tmp_path, SERVER % "0.25")
    with running(peer, Path(sys.executable), task, tmp_path) as started:
        family = [process for processes in started.side.family().values() for process in processes]
        assert len(family) == 2
        assert started.side.memory()["server"].processes == 2
        figures = started.side.measure(2, 0.3)
    assert figures.failed == 0
    assert figures.answered > 0
    assert figures.cpu_us > 0
    assert psutil.wait_procs(family, timeout=0)[1] == []


class Ending(psutil.Process):
    """Ends when somebody asks what it holds, as a worker of PostgreSQL's may that has nothing more to do."""

    def memory_info(self) -> Any:
        self.kill()
        self.wait(5)
        return super().memory_info()


def test_a_process_that_ends_while_it_is_measured_is_none_of_the_side() -> None:
    command = [sys.executable, "-c", "import sys; print('here', flush=True); sys.stdin.read()"]
    with Popen(command, stdin=PIPE, stdout=PIPE) as staying, Popen(command, stdin=PIPE, stdout=PIPE) as ending:
        assert staying.stdout is not None
        staying.stdout.readline()  # before it is started whole, what it holds still grows
        family = {"server": [psutil.Process(staying.pid), Ending(ending.pid)]}
        memory = Side(Load("http://127.0.0.1/", [""], 1, 0.1, ""), lambda: family).memory()["server"]
    assert memory.processes == 1
    assert 0 < memory.pss_mb <= memory.rss_mb


def test_another_model_is_refused(tmp_path: Path, task: Task) -> None:
    peer = a_peer(tmp_path, SERVER % "0.75")
    with (
        pytest.raises(PeerFailed, match=r"serves another model: it answered 0\.75"),
        running(peer, Path(sys.executable), task, tmp_path),
    ):
        pytest.fail("it was taken for ready")


def test_one_that_ends_says_why(tmp_path: Path, task: Task) -> None:
    peer = a_peer(tmp_path, "raise SystemExit('no such thing')")
    with (
        pytest.raises(PeerFailed, match="ended with 1: no such thing"),
        running(peer, Path(sys.executable), task, tmp_path),
    ):
        pytest.fail("it was taken for ready")


def test_one_that_dies_under_load_is_told_of_and_not_the_end_of_the_benchmark(tmp_path: Path, task: Task) -> None:
    peer = a_peer(tmp_path, SERVER % "0.25")
    with (
        pytest.raises(PeerFailed, match="stopped answering"),
        running(peer, Path(sys.executable), task, tmp_path) as started,
    ):
        load_the_dead(started)
