"""One process of an installation: started on a leash, asked whether it is ready, started again when it ends."""

import http.client
import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

import structlog

from andon.supervisor.backoff import Backoff
from andon.supervisor.leash import leashed
from andon.supervisor.ports import Address

_ANSWER_SECONDS = 1.0
_REASON_BYTES = 4000

_log = structlog.get_logger("andon.supervisor")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a part says of itself. A part that is not ready may run for long so: until a model is registered, say."""

    ready: bool
    reason: str


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
        self._process = subprocess.Popen(  # noqa: S603  our own program
            leashed(self._command),
            cwd=self._folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._started_at = time.monotonic()

    def tend(self, environment: Mapping[str, str]) -> int | None:
        """If it has ended, start it again when its time has come. Returns its exit status, negative for a signal, when it just ended."""
        if self._process is not None:
            status = self._process.poll()
            if status is None:
                return None
            self._process = None
            wait = self._backoff.after(time.monotonic() - self._started_at)
            self._due_at = time.monotonic() + wait
            _log.warning("part_ended", part=self.name, status=status, again_in_seconds=wait)
            return status
        if time.monotonic() >= self._due_at:
            self.start(environment)
            _log.info("part_started", part=self.name)
        return None

    def answer(self) -> Answer | None:
        """What it says of itself at /readyz; None while it does not answer at all."""
        connection = http.client.HTTPConnection(self.address.reached_at, self.address.port, timeout=_ANSWER_SECONDS)
        try:
            connection.request("GET", "/readyz")
            response = connection.getresponse()
            return Answer(response.status == HTTPStatus.OK, reason_in(response.read(_REASON_BYTES)))
        except (OSError, http.client.HTTPException):
            return None
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


def reason_in(body: bytes) -> str:
    """Why a part is not ready: the problems it names, or all it says."""
    text = body.decode("utf-8", "replace").strip()
    try:
        said = json.loads(text)
        return "; ".join(f"{name}: {problem}" for name, problem in said["problems"].items())
    except (ValueError, KeyError, TypeError, AttributeError):
        return text
