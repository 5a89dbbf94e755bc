"""HTTP server of a process: uvicorn on given sockets, with the wire's connections and an end that loses no request."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from socket import fromfd, socket
from typing import Any

import structlog
import uvicorn

from andon.wire.connection import WireConnection
from andon.wire.draining import drain
from andon.wire.parking import Parking
from andon.wire.state import WireState

log = structlog.get_logger(__name__)

BACKLOG = 2048
"""Connections that wait to be accepted at most."""

ACCEPTS = 16
"""Connections accepted in one turn of the event loop at most.

uvloop accepts one for each listening descriptor (libuv/libuv#3696), and a busy turn takes a while: of hundreds of
concurrent callers the last would wait for seconds. Each additional one costs every new connection a system call.
"""


def _nothing() -> None:
    """Do nothing: the hook of an application without long work."""


class HttpServer(uvicorn.Server):
    """The server. It listens on `sockets`, or binds `host` and `port`.

    `ready` is called once it listens, `ending` when its end begins, `hurry` when the end has taken a while. It believes
    the `proxies`, addresses or networks, about the caller's address and about https, and nobody else.
    """

    server_state: WireState

    def __init__(
        self,
        app: Callable[..., Any],
        *,
        host: str,
        port: int,
        ending: Callable[[], None],
        hurry: Callable[[], None] = _nothing,
        ready: Callable[[], None] = _nothing,
        sockets: list[socket] | None = None,
        proxies: Sequence[str] = (),
        parking: Parking | None = None,
    ) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                host=host,
                port=port,
                loop="none",
                http=WireConnection,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                date_header=False,
                proxy_headers=bool(proxies),
                forwarded_allow_ips=list(proxies),
                backlog=BACKLOG,
            )
        )
        self.server_state = WireState()
        self.server_state.parking = parking
        self._ending, self._hurry, self._ready, self._sockets = ending, hurry, ready, sockets

    async def serve(self, sockets: list[socket] | None = None) -> None:
        """Answer until a signal to end has come and every request is answered."""
        await super().serve(sockets or self._sockets)

    async def startup(self, sockets: list[socket] | None = None) -> None:
        """Listen, and report it."""
        await super().startup(sockets)
        await self._accept_more()
        self._ready()

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        """Accept nothing new and answer what has come. Break off what takes too long."""
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
        """Begin the end on a signal: first not ready, then draining.

        uvicorn would raise the signal again after draining, which ends the process before anything else is finished.
        """
        self._ending()
        super().handle_exit(sig, frame)
        self._captured_signals.clear()

    async def _accept_more(self) -> None:
        """Listen with ACCEPTS descriptors on each socket."""
        loop, state = asyncio.get_running_loop(), self.server_state
        connection = partial(WireConnection, config=self.config, server_state=state, app_state=self.lifespan.state)
        for one in [one for server in self.servers for one in server.sockets]:
            for _ in range(ACCEPTS - 1):
                twin = fromfd(one.fileno(), one.family, one.type, one.proto)
                self.servers.append(await loop.create_server(connection, sock=twin, backlog=BACKLOG))
