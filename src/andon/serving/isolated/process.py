"""One process with one model in it, seen from the gateway: started, asked over a socket, ended."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import IO, Any

import numpy as np
import structlog

from andon.models import Matrix
from andon.serving.isolated import frames
from andon.serving.isolated.frames import FrameBroken, FrameHead
from andon.serving.isolated.scratch import Scratch

HOST = Path(__file__).with_name("host.py")

_STARTER = ThreadPoolExecutor(1, "isolated")
"""The one thread that starts processes.

The kernel ends them when their parent *thread* ends, and this one lives as long as we do.
"""

_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES")
"""The only variables of our environment that a model's process gets: any other may be a secret."""

_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}

_ENDING_SECONDS = 2.0
_LINE_BYTES = 500
_LINES_A_SECOND = 20
_PAGE = os.sysconf("SC_PAGESIZE")

log = structlog.get_logger(__name__)


class ProcessGone(Exception):
    """The process ended before it answered."""


class ProcessRefusal(Exception):
    """The process reports why it does not answer; its message contains no values."""

    def __init__(self, message: str, cpu_seconds: float = 0.0) -> None:
        super().__init__(message)
        self.cpu_seconds = cpu_seconds


@dataclass(frozen=True, slots=True)
class Launch:
    """The parameters of a process. `opening` is the frame that says what to load; `folder` its working folder."""

    shown: str
    python: Path
    folder: Path
    opening: Mapping[str, Any]
    memory_bytes: int
    """A resident size that is too large. Twice as much is refused to it by the kernel."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer and what it cost."""

    probabilities: Matrix
    cpu_seconds: float


class ModelProcess:
    """A process that runs. Made by `start`; used from one event loop, for one exchange at a time."""

    def __init__(self, child: "subprocess.Popen[bytes]", link: "_Link", transport: asyncio.Transport) -> None:
        self._child = child
        self._link = link
        self._transport = transport
        self.rss_bytes = 0

    @classmethod
    async def start(cls, launch: Launch, lost: Callable[["ModelProcess"], None]) -> "ModelProcess":
        """Start a process and load its model. Raises ProcessRefusal, ProcessGone. `lost` is called when it ends."""
        loop = asyncio.get_running_loop()
        spawning = loop.run_in_executor(_STARTER, _spawn, launch)
        try:
            child, ours = await asyncio.shield(spawning)
        except asyncio.CancelledError:
            spawning.add_done_callback(_give_up)
            raise
        link = _Link()
        transport, _ = await loop.create_connection(lambda: link, sock=ours)
        process = cls(child, link, transport)
        try:
            opening = json.dumps(launch.opening).encode()
            process._took(await link.exchange(frames.head_of(frames.OPEN, len(opening)), opening))
        except ProcessGone as gone:
            raise ProcessGone(f"{gone}: {await process.kill()}") from gone
        except BaseException:
            await process.kill()
            raise
        link.lost = lambda: lost(process)
        return process

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._child.pid

    @property
    def is_gone(self) -> bool:
        """Whether its end of the socket is closed."""
        return self._transport.is_closing()

    async def predict(self, matrix: Matrix) -> Reply:
        """Predict a batch. Raises ProcessRefusal (the model raised), ProcessGone."""
        rows, columns = matrix.shape
        if matrix.dtype == object:
            kind, body = frames.TEXTS, json.dumps(matrix.tolist()).encode()
        else:
            kind, body = frames.ROWS, np.asarray(matrix, dtype=np.float64).tobytes()
        head = frames.head_of(kind, len(body), rows=rows, columns=columns)
        answered, content = await self._link.exchange(head, body)
        self._took((answered, content))
        shape = (answered.rows, answered.columns)
        return Reply(np.frombuffer(content, dtype=np.float64).reshape(shape), answered.cpu_ns / 1e9)

    def weigh(self) -> int:
        """Return its present resident bytes; its last report if the kernel has none."""
        with suppress(OSError, IndexError, ValueError):
            self.rss_bytes = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * _PAGE
        return self.rss_bytes

    async def close(self) -> None:
        """Close its socket, at which it ends by itself; kill it if it does not."""
        self._link.lost = None
        self._transport.close()
        await asyncio.get_running_loop().run_in_executor(None, self._reap, _ENDING_SECONDS)

    async def kill(self) -> str:
        """Kill it and everything it started, immediately. Return how it ended, if it had ended before."""
        self._link.lost = None
        self._transport.abort()
        return await asyncio.get_running_loop().run_in_executor(None, self._reap, 0.0)

    def _reap(self, patience: float) -> str:
        try:
            # One that is just ending gets a moment to say how; one that hangs gets no more than that.
            return _ending_of(self._child.wait(timeout=max(patience, 0.05)))
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(self._child.pid, signal.SIGKILL)
            self._child.wait()
            return "it was killed"

    def _took(self, reply: tuple[FrameHead, bytearray]) -> None:
        head, body = reply
        self.rss_bytes = head.rss_bytes
        if head.kind == frames.FAILED:
            raise ProcessRefusal(bytes(body).decode("utf-8", "replace"), head.cpu_ns / 1e9)
        if head.kind not in (frames.READY, frames.ANSWER):
            raise ProcessGone("it answered with a frame that is not an answer")


class _Link(asyncio.Protocol):
    """Our end of the socket: one frame out, one frame in."""

    def __init__(self) -> None:
        self.lost: Callable[[], None] | None = None
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._head: FrameHead | None = None
        self._waiting: asyncio.Future[tuple[FrameHead, bytearray]] | None = None

    def exchange(self, head: bytes, body: bytes) -> "asyncio.Future[tuple[FrameHead, bytearray]]":
        """Send a frame and wait for the one that answers it."""
        self._waiting = asyncio.get_running_loop().create_future()
        if self._transport is None or self._transport.is_closing():
            self._waiting.set_exception(ProcessGone("it has ended"))
        else:
            self._transport.write(head)
            if body:
                self._transport.write(body)
        return self._waiting

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # a socket's transport reads and writes

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        try:
            while (frame := self._next()) is not None:
                if self._waiting is None or self._waiting.done():
                    raise FrameBroken("it sent data without a request")
                self._waiting.set_result(frame)
        except FrameBroken as error:
            self._fail(ProcessGone(str(error)))
            if self._transport is not None:
                self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._fail(ProcessGone("it ended"))
        if self.lost is not None:
            self.lost()

    def _next(self) -> tuple[FrameHead, bytearray] | None:
        """Return the next complete frame in the buffer, if any."""
        if self._head is None:
            if len(self._buffer) < frames.HEADER.size:
                return None
            self._head = frames.read_head(bytes(self._buffer[: frames.HEADER.size]))
            del self._buffer[: frames.HEADER.size]
        head = self._head
        if len(self._buffer) < head.size:
            return None
        body, self._head = self._buffer[: head.size], None
        del self._buffer[: head.size]
        return head, body

    def _fail(self, error: ProcessGone) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(error)


def _spawn(launch: Launch) -> tuple["subprocess.Popen[bytes]", socket.socket]:
    """Start the process, with one end of a socket pair; runs on the starter's thread."""
    scratch = Scratch()
    ours, theirs = socket.socketpair()
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    try:
        child = subprocess.Popen(  # noqa: S603 - our own program in an interpreter we chose
            [launch.python, "-I", HOST, str(theirs.fileno()), str(os.getpid()), str(2 * launch.memory_bytes)],
            cwd=launch.folder,
            env=environment | _ONE_THREAD | {"TMPDIR": str(scratch.folder)},
            pass_fds=(theirs.fileno(),),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except BaseException:
        ours.close()
        scratch.close()
        raise
    finally:
        theirs.close()
    Thread(target=_look_after, args=(child, launch.shown, scratch), daemon=True).start()
    return child, ours


def _give_up(spawning: "asyncio.Future[tuple[subprocess.Popen[bytes], socket.socket]]") -> None:
    """Abandon this process: it ends when its socket closes."""
    if spawning.cancelled() or spawning.exception() is not None:
        return
    _, ours = spawning.result()
    ours.close()


def _look_after(child: "subprocess.Popen[bytes]", shown: str, scratch: Scratch) -> None:
    """Wait until it has ended, in whatever way; then remove what it had unpacked and written."""
    assert child.stdout is not None  # noqa: S101 - asked for by who started it
    with scratch:
        _log_lines(child.stdout, shown, child.pid)
        child.wait()  # it may have closed its output before


def _log_lines(output: IO[bytes], shown: str, pid: int) -> None:
    """Log what the model prints, line by line; at most _LINES_A_SECOND of a flood."""
    second, lines = 0, 0
    with output:
        while line := output.readline(_LINE_BYTES):
            now = int(time.monotonic())
            second, lines = (second, lines + 1) if now == second else (now, 1)
            if lines <= _LINES_A_SECOND:
                log.info("model.printed", model=shown, pid=pid, line=line.decode("utf-8", "replace").rstrip())


def _ending_of(status: int) -> str:
    if status < 0:
        return f"it was ended by {signal.Signals(-status).name}"
    return f"it ended with status {status}"
