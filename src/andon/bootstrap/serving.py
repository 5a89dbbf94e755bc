"""Running an ASGI application as a process that ends cleanly: finish what is in flight, then go."""

import asyncio
import importlib
from collections.abc import Callable
from functools import partial
from socket import fromfd, socket
from typing import Any

import structlog
import uvicorn

from andon.bootstrap.draining import DrainingWire, DrainState, drain
from andon.bootstrap.inheritance import ALONE, Inheritance
from andon.bootstrap.parking import Parking
from andon.kernel.config import Settings

log = structlog.get_logger(__name__)

BACKLOG = 2048
"""Connections that wait to be accepted at most."""

ACCEPTS = 16
"""Connections that are accepted in one turn of the loop at most. uvloop accepts one for each listening descriptor (libuv/libuv#3696), and
a turn in which many are decided takes a while: of hundreds of callers who come at once the last waited for seconds. Each more costs
every new connection a system call."""


def _nothing() -> None:
    """For an application in which nothing can be cut short."""


class Server(uvicorn.Server):
    """uvicorn on the sockets that were left to this process, with an end that loses no request (see draining.py).

    `ending` is called when the end begins, `hurry` when it has taken a while. `proxied`: believe what a proxy on this machine
    says of the caller's address and of https.
    """

    server_state: DrainState

    def __init__(
        self,
        app: Any,
        *,
        host: str,
        port: int,
        ending: Callable[[], None],
        hurry: Callable[[], None] = _nothing,
        place: Inheritance = ALONE,
        proxied: bool = False,
        parking: Parking | None = None,
    ) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                host=host,
                port=port,
                loop="none",
                http=DrainingWire,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                date_header=False,
                proxy_headers=proxied,
                backlog=BACKLOG,
            )
        )
        self.server_state = DrainState()
        self.server_state.parking = parking
        self._ending, self._hurry, self._place = ending, hurry, place

    async def serve(self, sockets: list[socket] | None = None) -> None:
        """Answer until a signal to end came and all is answered."""
        await super().serve(sockets or self._place.sockets)

    async def startup(self, sockets: list[socket] | None = None) -> None:
        """Listen, and say so."""
        await super().startup(sockets)
        await self._accept_more()
        self._place.tell_ready()

    async def _accept_more(self) -> None:
        """Listen with ACCEPTS descriptors on each socket."""
        loop, state = asyncio.get_running_loop(), self.server_state
        connection = partial(DrainingWire, config=self.config, server_state=state, app_state=self.lifespan.state)
        for one in [one for server in self.servers for one in server.sockets]:
            for _ in range(ACCEPTS - 1):
                twin = fromfd(one.fileno(), one.family, one.type, one.proto)
                self.servers.append(await loop.create_server(connection, sock=twin, backlog=BACKLOG))

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        """Accept nothing new, answer all that came, and go; what takes too long is broken off."""
        for server in self.servers:
            server.close()
        for one in sockets or []:
            one.close()
        await drain(self.server_state, hurry=self._hurry, is_forced=lambda: self.force_exit)
        if self.server_state.connections or self.server_state.tasks:
            log.warning("server.broken_off", connections=len(self.server_state.connections))
        for task in list(self.server_state.tasks):
            task.cancel()

    def handle_exit(self, sig: int, frame: Any) -> None:
        """A signal to end: not ready any more, then the draining.

        uvicorn would raise the signal again when it has drained, which ends the process before anything else is finished.
        """
        self._ending()
        super().handle_exit(sig, frame)
        self._captured_signals.clear()


def tracing(process: str, settings: Settings) -> Callable[[], None]:
    """Send traces, if a collector is configured; what it returns sends the rest, at the end."""
    if settings.telemetry.otlp_endpoint is None:
        return lambda: None
    traces = importlib.import_module("andon.kernel.traces")
    send_the_rest: Callable[[], None] = traces.configure_traces(process, settings.telemetry.otlp_endpoint)
    return send_the_rest
