"""Draining: the end of a server without a lost request. No connection with a possible request is closed.

A request that arrives while the server ends is answered like any other, with `Connection: close`, so that its caller
does not use the connection again. A quiet connection is closed after a while. A request sent in just that moment finds
it closed, as with any keep-alive timeout.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from andon.wire.connection import WireConnection
from andon.wire.state import WireState

QUIET_SECONDS = 3.0
"""Quiet time, counted from the beginning of the end, after which a connection is closed."""

HURRY_SECONDS = 5.0
"""Time after which long work is cut short: the rest of a batch."""

DRAIN_SECONDS = 10.0
"""Longest time for all of it."""

_CHECK_SECONDS = 0.05


async def drain(state: WireState, *, hurry: Callable[[], None], is_forced: Callable[[], bool]) -> None:
    """Wait until every connection is closed and every task has ended, for DRAIN_SECONDS at most.

    Call it when the server accepts no new connections.
    """
    loop = asyncio.get_running_loop()
    began, hurried = loop.time(), False
    state.draining = True
    connections: Any = state.connections
    for connection in list(connections):
        connection.make_last()
    quiet: dict[WireConnection, float] = {}
    while (connections or state.tasks) and not is_forced() and (now := loop.time()) < began + DRAIN_SECONDS:
        if not hurried and now > began + HURRY_SECONDS:
            hurried = True
            hurry()
        quiet = {one: quiet.get(one, now) for one in connections if one.is_quiet}
        for one, since in quiet.items():
            if now - since >= QUIET_SECONDS:
                one.transport.close()
        await asyncio.sleep(_CHECK_SECONDS)
