"""Notifications of changes: one connection that listens on a channel permanently, through restarts of the database."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog

from andon.kernel.db import CHANGED, CONNECTION_LOST, Database
from andon.kernel.errors import Unavailable

log = structlog.get_logger(__name__)

EVERYTHING = "*"
"""The noun after a gap, during which a listener may have missed something."""

_RETRY_SECONDS = 0.5
_CHECK_SECONDS = 5.0


async def listen(database: Database, heard: Callable[[str], Awaitable[None]], *, channel: str = CHANGED) -> None:
    """Call `heard(noun)` for each announcement, and `heard("*")` after each (re)connection. Runs until cancelled."""
    while True:
        try:
            await _listen_once(database, heard, channel)
        except (Unavailable, *CONNECTION_LOST) as error:
            log.warning("listening.interrupted", error=type(error).__name__)
        await asyncio.sleep(_RETRY_SECONDS)


async def _listen_once(database: Database, heard: Callable[[str], Awaitable[None]], channel: str) -> None:
    nouns: asyncio.Queue[str] = asyncio.Queue()
    connection = await database.connect()
    try:
        await connection.add_listener(channel, lambda *message: nouns.put_nowait(message[-1]))
        nouns.put_nowait(EVERYTHING)
        while True:
            try:
                await heard(await asyncio.wait_for(nouns.get(), _CHECK_SECONDS))
            except TimeoutError:
                await connection.execute("SELECT 1")
    finally:
        with suppress(*CONNECTION_LOST):
            await connection.close()
