"""One process of an installation: started on a leash, asked whether it is ready, started again when it ends."""

import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import structlog

from andon.supervisor.backoff import Backoff
from andon.supervisor.ports import Address

_LEASH = Path(__file__).with_name("leash.py")
_ANSWER_SECONDS = 1.0

_log = structlog.get_logger("andon.supervisor")


class Part:
    """`python -m andon gateway`, or another. The supervisor's thread alone calls it."""

    def __init__(self, address: Address, command: Sequence[str], folder: Path) -> None:
        self.address = address
        self._command, self._folder = command, folder
        self._process: subprocess.Popen[bytes] | None = None
        self._backoff = Backoff()
        self._started_at = self._due_at = 0.0

    @property
    def name(self) -> str:
        """What it is."""
        return self.address.part

    def start(self, environment: Mapping[str, str]) -> None:
        """Start it, in a session of its own: a Ctrl-C in the terminal reaches the supervisor alone, which then stops it in order."""
        leash = [sys.executable, "-I", "-S", str(_LEASH), str(os.getpid())]
        self._process = subprocess.Popen(  # noqa: S603  our own program
            [*leash, *self._command],
            cwd=self._folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._started_at = time.monotonic()

    def ended(self) -> int | None:
        """The exit status if it has ended by itself, negative for a signal; None while it runs."""
        return self._process.poll() if self._process else None

    def tend(self, environment: Mapping[str, str]) -> None:
        """If it has ended, start it again when its time has come."""
        if self._process is not None:
            status = self._process.poll()
            if status is None:
                return
            self._process = None
            wait = self._backoff.after(time.monotonic() - self._started_at)
            self._due_at = time.monotonic() + wait
            _log.warning("part_ended", part=self.name, status=status, again_in_seconds=wait)
        if time.monotonic() >= self._due_at:
            self.start(environment)
            _log.info("part_started", part=self.name, pid=self._process.pid if self._process else None)

    def is_ready(self) -> bool:
        """Whether it answers /readyz with 200."""
        connection = http.client.HTTPConnection(self.address.reached_at, self.address.port, timeout=_ANSWER_SECONDS)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def is_running(self) -> bool:
        """Whether its process lives."""
        return self._process is not None and self._process.poll() is None

    def terminate(self) -> None:
        """Ask it to finish what is in flight and end."""
        if self._process is not None and self.is_running():
            self._process.terminate()

    def kill(self) -> None:
        """End it and all it started, at once."""
        if self._process is not None and self.is_running():
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
