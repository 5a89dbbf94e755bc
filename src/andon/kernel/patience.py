"""Patience during a start with a service that is briefly away: ending and restarting would take longer."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic

import structlog

from andon.kernel.errors import Unavailable

log = structlog.get_logger(__name__)

PATIENCE_SECONDS = 20.0
"""The time for which a step of a start is retried, longer than a database server's recovery from a crash."""

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
