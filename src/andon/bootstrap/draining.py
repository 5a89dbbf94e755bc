"""Ending without a lost request: no connection is closed on which one may be on its way.

A request that comes while the process ends is answered like any other, with `Connection: close`, so that its caller knows
before it asks again. A connection on which nothing comes is closed after a while; a caller who asks in just that moment
finds it closed, as with any keep-alive timeout.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from uvicorn.server import ServerState

from andon.bootstrap.parking import Parking
from andon.bootstrap.wire import Wire

QUIET_SECONDS = 3.0
"""A connection is closed when nothing has come for so long since the end began."""

HURRY_SECONDS = 5.0
"""So long after the end began, what may be cut short is: the rest of a batch."""

DRAIN_SECONDS = 10.0
"""How long all of it may take."""

_LOOK_SECONDS = 0.05


class DrainState(ServerState):
    """What all connections of a server share."""

    def __init__(self) -> None:
        super().__init__()
        self.draining = False
        self.parking: Parking | None = None


class DrainingWire(Wire):
    """A connection that closes after its answer once the server ends."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """One that was accepted just before the end."""
        super().connection_made(transport)
        state: Any = self.server_state
        self.ending, self.parking = state.draining, state.parking

    @property
    def quiet(self) -> bool:
        """Whether no request is under way, nor on its way as far as can be seen here."""
        answered = self.cycle is None or self.cycle.response_complete
        return answered and (not self._arriving or (self._in_head and self._head == 0))


async def drain(state: DrainState, *, hurry: Callable[[], None], is_forced: Callable[[], bool]) -> None:
    """Return when every connection is closed and every task over, or DRAIN_SECONDS are; no new ones come any more."""
    loop = asyncio.get_running_loop()
    began, hurried = loop.time(), False
    state.draining = True
    connections: Any = state.connections
    for connection in list(connections):
        connection.ending = True
        connection.make_last()
    quiet: dict[DrainingWire, float] = {}
    while (connections or state.tasks) and not is_forced() and (now := loop.time()) < began + DRAIN_SECONDS:
        if not hurried and now > began + HURRY_SECONDS:
            hurried = True
            hurry()
        quiet = {one: quiet.get(one, now) for one in connections if one.quiet}
        for one, since in quiet.items():
            if now - since >= QUIET_SECONDS:
                one.transport.close()
        await asyncio.sleep(_LOOK_SECONDS)
