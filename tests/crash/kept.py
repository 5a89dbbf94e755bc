"""Processes that are restarted whenever they end, like a service manager's, with an adjustable clock (libfaketime)."""

import subprocess
import threading
from contextlib import suppress
from pathlib import Path

import psutil

from andon_demo.line import ANDON

FAKETIME = next(
    (str(file) for place in ("/usr/lib", "/usr/local/lib") for file in Path(place).glob("**/libfaketimeMT.so.1")), None
)
"""The library that sets a process's clock; none if it is not installed."""


class Clock:
    """The clock of a process, by how much it is wrong."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.set(0)

    def set(self, seconds: float) -> None:
        """Jump."""
        draft = self._file.with_suffix(".new")
        draft.write_text(f"{seconds:+.1f}")
        draft.replace(self._file)

    @property
    def environment(self) -> dict[str, str]:
        """With which a process is started that goes by it."""
        if FAKETIME is None:
            return {}
        return {
            "LD_PRELOAD": FAKETIME,
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
        }


class Kept:
    """A process that is started again whenever it ends."""

    def __init__(self, role: str, folder: Path, environment: dict[str, str]) -> None:
        self.role = role
        self.starts = 0
        self._folder, self._environment = folder, environment
        self._stopping = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._keep, daemon=True)
        self._thread.start()

    @property
    def process(self) -> psutil.Process | None:
        """It, while it lives."""
        with suppress(psutil.NoSuchProcess):
            if self._process is not None and self._process.poll() is None:
                return psutil.Process(self._process.pid)
        return None

    def stop(self) -> None:
        """End it."""
        self._stopping.set()
        process = self._process
        if process is not None and process.poll() is None:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(20)
            if process.poll() is None:
                process.kill()
        self._thread.join()

    def _keep(self) -> None:
        with (self._folder / f"{self.role}-2.log").open("ab") as log:
            while not self._stopping.is_set():
                self.starts += 1
                self._process = subprocess.Popen(
                    [ANDON, self.role],
                    cwd=self._folder,
                    env=self._environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                )
                self._process.wait()
                self._stopping.wait(0.2)
