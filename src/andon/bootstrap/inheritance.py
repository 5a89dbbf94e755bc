"""Inheritance of a process from the supervisor that started it: listening sockets, a pipe for its readiness, and more.

The supervisor keeps the bound sockets, so that an old and a new process can answer side by side and no connection is
refused during a restart. A process started by hand inherits nothing and binds its port itself.
"""

import asyncio
import json
import os
import socket
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from contextlib import suppress
from pathlib import Path

from andon.kernel.errors import AndonError

SOCKETS = "ANDON_INHERITED_SOCKETS"
"""Environment variable: numbers of the sockets to listen on, separated by commas."""

PIPE = "ANDON_INHERITED_PIPE"
"""Environment variable: number of the pipe on which the supervisor waits for the process to become ready."""

SHARED = "ANDON_INHERITED_GRPC_PORT"
"""Environment variable: the gRPC port that several gateways may share, because the supervisor holds it for them."""

DATABASE = "ANDON_INHERITED_DATABASE_SOCKET"
"""Environment variable: the folder of the unix socket of the embedded PostgreSQL that the supervisor has started."""

_LOOK_SECONDS = 0.2


class Inheritance:
    """The inheritance of one process.

    `sockets` is None without a supervisor. `grpc_port` may be shared. `database` is the folder of the database's unix
    socket, if the supervisor knows one. The process writes lines of JSON to the pipe: `missing`, `ready`, `error`.
    """

    def __init__(
        self,
        sockets: Sequence[socket.socket] | None = None,
        pipe: int | None = None,
        grpc_port: int | None = None,
        database: Path | None = None,
    ) -> None:
        self.sockets = None if sockets is None else list(sockets)
        self.grpc_port = grpc_port
        self.database = database
        self._pipe = pipe

    async def until_ready(self, problems: Callable[[], Mapping[str, str]]) -> None:
        """Wait until nothing is missing, if a supervisor waits, and report missing parts. `problems` may block."""
        reported: Mapping[str, str] = {}
        while self._pipe is not None and (missing := await asyncio.to_thread(problems)):
            if missing != reported:
                self._report({"missing": dict(missing)})
                reported = missing
            await asyncio.sleep(_LOOK_SECONDS)

    def tell_ready(self) -> None:
        """Report that the process answers from now on."""
        self._report({"ready": True})
        self._hang_up()

    def tell_failure(self, error: AndonError) -> None:
        """Report that the process cannot start."""
        self._report({"error": str(error)})
        self._hang_up()

    def _report(self, line: Mapping[str, object]) -> None:
        if self._pipe is not None:
            with suppress(BrokenPipeError):
                os.write(self._pipe, json.dumps(line).encode() + b"\n")

    def _hang_up(self) -> None:
        if self._pipe is not None:
            os.close(self._pipe)
            self._pipe = None


ALONE = Inheritance()
"""The inheritance of a process started by hand."""


def take(environment: MutableMapping[str, str] = os.environ) -> Inheritance:
    """Take the inheritance out of the environment, so that no process started from here inherits it."""
    sockets, pipe, shared, database = (environment.pop(name, "") for name in (SOCKETS, PIPE, SHARED, DATABASE))
    for number in (*sockets.split(","), pipe):
        if number:
            os.set_inheritable(int(number), False)
    listening = [socket.socket(fileno=int(number)) for number in sockets.split(",")] if sockets else None
    return Inheritance(
        listening,
        int(pipe) if pipe else None,
        int(shared) if shared else None,
        Path(database) if database else None,
    )
