"""The program in a model's process: loads one model, then answers batches over an inherited socket until it closes.

Started as `PYTHON -I host.py SOCKET PARENT MEMORY_BYTES` in an environment without Andon: the standard library, numpy
and the folder of runtimes, loaded by its path. The gateway logs what the model prints to stdout or stderr.
"""

import ctypes
import importlib.util
import json
import os
import resource
import signal
import socket
import sys
import time
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any

_PR_SET_PDEATHSIG = 1
_TEXT_BYTES = 2000


def main(arguments: list[str]) -> int:
    """Serve until the socket closes; the exit status is 0 then."""
    descriptor, parent, memory_bytes = map(int, arguments)
    _die_with(parent)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
    frames = _loaded("andon_frames", Path(__file__).with_name("frames.py"))
    with socket.socket(fileno=descriptor) as link:
        try:
            return Host(link, frames).serve()
        except (BrokenPipeError, ConnectionResetError):  # the gateway has gone
            return 0


class Host:
    """One model behind one socket."""

    def __init__(self, link: socket.socket, frames: ModuleType) -> None:
        self._link = link
        self._frames: Any = frames
        self._statm = Path("/proc/self/statm").open("rb", buffering=0)  # noqa: SIM115 - read after every batch
        self._page = os.sysconf("SC_PAGESIZE")

    def serve(self) -> int:
        """Load what the first frame names, then answer every further one. Returns the exit status."""
        received = self._receive()
        if received is None:
            return 0
        try:
            model = _open(json.loads(bytes(received[1])))
        except Exception as error:  # noqa: BLE001 - whatever a library or a model's own code raises is its refusal
            self._send(self._frames.FAILED, str(error).encode()[:_TEXT_BYTES] or type(error).__name__.encode())
            return 1
        self._send(self._frames.READY)
        while (received := self._receive()) is not None:
            self._answer(model, *received)
        return 0

    def _answer(self, model: Any, head: Any, body: bytearray) -> None:
        import numpy as np

        if head.kind == self._frames.TEXTS:
            matrix = np.empty((head.rows, head.columns), dtype=object)
            matrix[:] = json.loads(bytes(body))
        else:
            matrix = np.frombuffer(body, dtype=np.float64).reshape(head.rows, head.columns)
        began = time.process_time_ns()
        try:
            answer = np.ascontiguousarray(model.predict(matrix), dtype=np.float64)
            if answer.ndim != 2:
                raise sys.modules["runtimes"].OutputUnusable(f"its answer has {answer.ndim} dimensions; expected 2")
        except Exception as error:  # noqa: BLE001 - whatever the model raises fails its batch and nothing else
            _tell(error)
            self._send(self._frames.FAILED, _told(error).encode(), cpu_ns=time.process_time_ns() - began)
            return
        cpu_ns = time.process_time_ns() - began
        rows, columns = answer.shape
        self._send(self._frames.ANSWER, answer.tobytes(), rows=rows, columns=columns, cpu_ns=cpu_ns)

    def _send(self, kind: int, body: Any = b"", *, rows: int = 0, columns: int = 0, cpu_ns: int = 0) -> None:
        head = self._frames.head_of(
            kind, len(body), rows=rows, columns=columns, cpu_ns=cpu_ns, rss_bytes=self._resident()
        )
        self._link.sendall(head)
        if len(body):
            self._link.sendall(body)

    def _receive(self) -> tuple[Any, bytearray] | None:
        """Return the next frame; None when the gateway has closed the socket."""
        head = self._exactly(self._frames.HEADER.size)
        if head is None:
            return None
        read = self._frames.read_head(bytes(head))
        body = self._exactly(read.size)
        return None if body is None else (read, body)

    def _exactly(self, size: int) -> bytearray | None:
        data = bytearray(size)
        view, at = memoryview(data), 0
        while at < size:
            count = self._link.recv_into(view[at:])
            if count == 0:
                return None
            at += count
        return data

    def _resident(self) -> int:
        self._statm.seek(0)
        return int(self._statm.read().split()[1]) * self._page


def _open(asked: dict[str, Any]) -> Any:
    """Open the model in the gateway's request."""
    runtimes = _loaded("runtimes", Path(asked["runtimes"]) / "__init__.py")
    return runtimes.open_model(
        asked["runtime"], Path(asked["file"]), trusted=asked["trusted"], signature=asked["signature"]
    )


def _loaded(name: str, file: Path) -> Any:
    """Load a module or package by its path, so that nothing beside it gets onto `sys.path`."""
    places = [str(file.parent)] if file.name == "__init__.py" else None
    spec = importlib.util.spec_from_file_location(name, file, submodule_search_locations=places)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} cannot be loaded")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _told(error: Exception) -> str:
    """Describe a failure for the gateway by its type, which holds no values.

    Unusable output of our own runtimes adds their message, which holds none either.
    """
    if isinstance(error, sys.modules["runtimes"].OutputUnusable):
        return f"OutputUnusable: {error}"
    return "MemoryError" if isinstance(error, MemoryError) else type(error).__name__


def _tell(error: Exception) -> None:
    """Write to stderr where a model failed, but not its message, which may hold values of the rows."""
    lines = [f"{type(error).__name__} while predicting"]
    lines += [f"{frame.filename}:{frame.lineno} in {frame.name}" for frame in traceback.extract_tb(error.__traceback__)]
    print("; ".join(lines), file=sys.stderr, flush=True)  # noqa: T201 - the gateway logs it


def _die_with(parent: int) -> None:
    """Have the kernel kill us when the gateway dies, even while the model hangs; it may have died already."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit("the gateway is gone")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
