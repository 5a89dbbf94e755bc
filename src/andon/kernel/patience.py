"""Waiting for what is away only just now, while a process starts: to end and be started again would take longer."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic

import structlog

from andon.kernel.errors import Unavailable

log = structlog.get_logger(__name__)

PATIENCE_SECONDS = 20.0
"""How long a step of a start is tried; a database server is back from a crash before that."""

_RETRY_SECONDS = 0.2


async def patiently(step: Callable[[], Awaitable[None]], *, passing: Callable[[], float] = monotonic) -> None:
    """Retry a step of a start while it raises Unavailable; after PATIENCE_SECONDS let the error through.

    The step must be repeatable. `passing` returns elapsed seconds.
    """
    until = passing() + PATIENCE_SECONDS
    while True:
        try:
            return await step()
        except Unavailable as error:
            if passing() >= until:
                raise
            log.warning("start.waits", error=str(error))
            await asyncio.sleep(_RETRY_SECONDS)
