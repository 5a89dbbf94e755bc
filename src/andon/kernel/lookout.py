"""Looks for all loops of a process at once whether there is something for them: one statement, one round trip, no thread.

When each loop looked for itself, five times a second and in a transaction of its own, that was half of what an idle installation cost.
"""

import asyncio
from collections.abc import Callable, Sequence

import asyncpg
import structlog

from andon.kernel.db import CONNECTION_LOST, Database
from andon.kernel.session import BY_INDEX

log = structlog.get_logger(__name__)

LOOK_SECONDS = 0.2
"""How soon something new is seen."""

PATIENCE_SECONDS = 2.0
"""How long a look may take: so long a process that is told to end waits for it at most."""

REST_SECONDS = 5.0
"""How long a loop rests that a lookout wakes; after that it looks for itself, so that a lookout that sees nothing costs time and no work."""


class Lookout:
    """Wakes those for whom there is something. Use from one event loop."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._watched: list[tuple[str, Callable[[], None]]] = []
        self._connection: asyncpg.Connection | None = None
        self._is_blind = False

    def watch(self, sign: str, wake: Callable[[], None]) -> None:
        """Call `wake` at each look at which this SQL expression is true; before `run`."""
        self._watched.append((sign, wake))

    async def run(self, stop: asyncio.Event) -> None:
        """Look until `stop` is set. While the database cannot be asked nobody is woken: there is nothing to do without it."""
        question = f"SELECT {', '.join(sign for sign, _ in self._watched)}"
        try:
            while not stop.is_set():
                for (_, wake), is_there in zip(self._watched, await self._look(question), strict=False):
                    if is_there:
                        wake()
                await first_of(stop, within=LOOK_SECONDS)
        finally:
            self._let_go()

    async def _look(self, question: str) -> Sequence[bool]:
        """The answers; none if there is nobody to give them."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                if self._connection is None:
                    self._connection = await self._database.connect(**BY_INDEX)
                answers = tuple(await self._connection.fetchrow(question) or ())
        except (*CONNECTION_LOST, asyncpg.PostgresError) as error:
            self._let_go()
            if not self._is_blind:
                log.warning("lookout.sees_nothing", error=type(error).__name__)
            self._is_blind = True
            return ()
        self._is_blind = False
        return answers

    def _let_go(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
        self._connection = None


async def first_of(*events: asyncio.Event, within: float) -> None:
    """Wait until one of them is set, or so many seconds have passed."""
    waiting = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waiting, timeout=within, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in waiting:
            one.cancel()
