"""One started process of a part, and what it says on its pipe while it becomes ready."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from socket import socket
from typing import Any

from andon.bootstrap.inheritance import PIPE, SOCKETS
from andon.supervisor.leash import leashed

_HEARD_BYTES = 65_536


class Child:
    """A child on a leash, in its own session: a Ctrl-C reaches only the supervisor, which then stops all in order.

    One that `waits` answers nobody before it is ready, and signals that on a pipe; any other answers as soon as it can.
    """

    def __init__(
        self,
        command: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        sockets: Sequence[socket],
        *,
        waits: bool,
    ) -> None:
        self.ready = False
        self.missing: Mapping[str, str] | None = None
        self.error: str | None = None
        self.started_at = time.monotonic()
        self.ended_by: float | None = None
        self._heard = b""
        self._pipe, theirs = os.pipe() if waits else (-1, -1)
        numbers = [one.fileno() for one in sockets]
        inherited = {SOCKETS: ",".join(map(str, numbers))} | ({PIPE: str(theirs)} if waits else {})
        try:
            self._process = subprocess.Popen(  # noqa: S603  our own program
                leashed(command),
                cwd=folder,
                env={**environment, **inherited},
                stdin=subprocess.DEVNULL,
                pass_fds=(*numbers, *([theirs] if waits else [])),
                start_new_session=True,
            )
        except BaseException:
            self.hang_up()
            raise
        finally:
            if waits:
                os.close(theirs)
        if waits:
            os.set_blocking(self._pipe, False)

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    @property
    def lived(self) -> float:
        """Seconds since it was started."""
        return time.monotonic() - self.started_at

    def status(self) -> int | None:
        """Its exit status, negative for a signal; None while it lives."""
        return self._process.poll()

    def listen(self) -> None:
        """Take in what it has said: whether it is `ready`, what is `missing`, the `error` that ended it."""
        if self._pipe < 0:
            return
        try:
            piece = os.read(self._pipe, _HEARD_BYTES)
        except BlockingIOError:
            return
        if not piece:
            self.hang_up()
            return
        *lines, self._heard = (self._heard + piece).split(b"\n")
        for line in lines:
            said: dict[str, Any] = json.loads(line)
            self.ready = said.get("ready", self.ready)
            self.missing = said.get("missing", self.missing)
            self.error = said.get("error", self.error)

    def hang_up(self) -> None:
        """Stop listening."""
        if self._pipe >= 0:
            os.close(self._pipe)
            self._pipe = -1

    def terminate(self, *, within: float) -> None:
        """Ask it to finish its work and end; it is `overdue` this many seconds later."""
        if self.status() is None:
            if self.ended_by is None:
                self.ended_by = time.monotonic() + within
            self._process.terminate()

    @property
    def overdue(self) -> bool:
        """Whether its time to end is over."""
        return self.ended_by is not None and time.monotonic() > self.ended_by

    def kill(self) -> None:
        """Kill it and everything it started, immediately."""
        if self.status() is None:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            self._process.wait()
