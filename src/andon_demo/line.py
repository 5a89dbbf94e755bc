"""A complete installation of Andon in a folder, used through its commands like by a person, in processes of its own.

`with Line(folder) as line:` stops at its end what it started, and nothing else.
"""

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Literal

import psutil
from prometheus_client.parser import text_string_to_metric_families

ANDON = str(Path(sys.executable).with_name("andon"))


class LineFailed(Exception):
    """A command or a process of the line failed; the message holds its output."""


class TooSlow(LineFailed):
    """A condition did not become true in time."""


class Line:
    """One installation. It gets free ports unless given, and none for gRPC. `andon` is its program."""

    def __init__(
        self,
        folder: Path,
        *,
        environment: dict[str, str] | None = None,
        ports: Sequence[int] = (),
        andon: str = ANDON,
    ) -> None:
        self.folder = folder
        self._andon = andon
        self.gateway, self.console, self.worker = ports or free_ports(3)
        self.environment = {
            **os.environ,
            "ANDON_GATEWAY_PORT": str(self.gateway),
            "ANDON_GATEWAY_GRPC_PORT": "0",
            "ANDON_CONSOLE_PORT": str(self.console),
            "ANDON_WORKER_PORT": str(self.worker),
            **(environment or {}),
        }
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The address of the API."""
        return f"http://127.0.0.1:{self.gateway}"

    def command(self, *arguments: str, timeout: float = 120.0) -> str:
        """Run `andon ARGUMENTS` in the folder and return its output. Raises LineFailed."""
        done = subprocess.run(
            [self._andon, *arguments],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=timeout,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        if done.returncode != 0:
            said = (done.stderr or done.stdout).strip()
            raise LineFailed(f"`andon {' '.join(arguments[:3])}` ended with {done.returncode}: {said[-2000:]}")
        return done.stdout

    def key(self, name: str, role: str) -> str:
        """Return a new API key with all permissions of `role`."""
        return self.command("keys", "create", "--name", name, "--role", role, "--reason", "made by a script").strip()

    def up(self, *, timeout: float = 120.0) -> None:
        """Start `andon up` and wait until it is ready for decisions; the first start of a project trains its model."""
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [self._andon, "up"],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.wait_until("it was ready", lambda: self._status("/readyz") == 200, timeout=timeout)

    def wait(self) -> int:
        """Wait until `andon up` ends by itself, and return its exit code."""
        assert self._process is not None
        return self._process.wait()

    def down(self, *, timeout: float = 30.0) -> None:
        """Stop as Ctrl-C does, and wait. A process that does not stop in time is killed, which is an error."""
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        family = self._family(process.pid)
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout)
        left = psutil.wait_procs(family, timeout=5)[1]
        for one in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()
        process.wait(10)
        if left:
            raise LineFailed(f"{len(left)} processes were left {timeout + 5:.0f} s after `andon up` was asked to stop")

    def processes(self) -> list[psutil.Process]:
        """Return all its running processes."""
        assert self._process is not None
        return self._family(self._process.pid)

    def running(self, end: str) -> list[psutil.Process]:
        """Return those whose command line has a word with this ending: `gateway`, `worker`, `/isolated/host.py`."""
        return [process for process in self.processes() if any(word.endswith(end) for word in command_of(process))]

    def memory(self) -> int:
        """Return the resident memory of all its processes in bytes; shared memory counts once (PSS)."""
        return sum(memory_of(process) for process in self.processes())

    def metrics(self, name: str, key: str, *, port: int) -> dict[str, float]:
        """Return the samples of one metric at a port's /metrics, by their labels as Prometheus writes them."""
        status, body = self._ask("/metrics", {"Authorization": f"Bearer {key}"}, port)
        if status != 200:
            raise LineFailed(f"GET /metrics answered {status}: {body[:300].decode(errors='replace')}")
        families = text_string_to_metric_families(body.decode())
        samples = (sample for family in families for sample in family.samples if sample.name == name)
        return {",".join(f"{k}={v}" for k, v in sorted(s.labels.items())): s.value for s in samples}

    def wait_until(self, what: str, holds: Callable[[], bool], *, timeout: float) -> None:
        """Wait until `holds()`. Raises LineFailed when `andon up` ends, TooSlow after `timeout`."""
        until = time.monotonic() + timeout
        while not holds():
            if self._process is not None and self._process.poll() is not None:
                raise LineFailed(f"`andon up` ended with {self._process.returncode}: {self._said()}")
            if time.monotonic() > until:
                raise TooSlow(f"{timeout:.0f} s passed before {what}: {self._said()}")
            time.sleep(0.05)

    @property
    def log(self) -> Path:
        """The output of `andon up`."""
        return self.folder / "up.log"

    def _said(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace").strip()[-2000:]

    def _status(self, path: str) -> int:
        try:
            return self._ask(path, {}, self.gateway)[0]
        except OSError:
            return 0

    def _ask(self, path: str, headers: dict[str, str], port: int) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        with contextlib.closing(connection):
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.read()

    def _family(self, pid: int) -> list[psutil.Process]:
        """Return `andon up`, its children, and the embedded PostgreSQL, which is nobody's child, with its own."""
        roots = [pid]
        with contextlib.suppress(OSError, ValueError, IndexError):
            postmaster = (self.folder / ".andon" / "postgres" / "data" / "postmaster.pid").read_text(encoding="utf-8")
            # While the database is being made the number is negative; initdb is a child of `andon up`.
            roots.append(abs(int(postmaster.splitlines()[0])))
        family: dict[int, psutil.Process] = {}
        for root in roots:
            with contextlib.suppress(psutil.NoSuchProcess):
                process = psutil.Process(root)
                family |= {one.pid: one for one in (process, *process.children(recursive=True))}
        return list(family.values())

    def __enter__(self) -> "Line":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> Literal[False]:
        self.down()
        return False


def free_ports(count: int) -> list[int]:
    """Return ports of this machine on which nothing listens."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until `process` listens on `port`. Raises LineFailed when it ends or takes more than 30 s."""
    until = time.monotonic() + 30
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise LineFailed(f"Nothing listened on port {port}")


def command_of(process: psutil.Process) -> list[str]:
    """Return the command line of a process; empty when it has just ended."""
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:
        return []


def cpu_of(process: psutil.Process) -> float:
    """Return the CPU seconds of a process and its ended children; 0 for an ended process, whose parent counts them."""
    try:
        return float(sum(process.cpu_times()[:4]))
    except psutil.NoSuchProcess:
        return 0.0


def resident_of(process: psutil.Process) -> int:
    """Return the resident memory of a process in bytes (RSS); 0 when it has ended."""
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0


def memory_of(process: psutil.Process) -> int:
    """Return the resident memory of a process in bytes, with shared memory counted in part (PSS)."""
    try:
        memory = process.memory_full_info()
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return 0
    return int(getattr(memory, "pss", memory.uss))
