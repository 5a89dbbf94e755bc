"""The shared poll of all loops of a process: one statement and one round trip serve every loop, without a thread.

Separate polls, five times a second and each in a transaction, were half of the cost of an idle installation.
"""

import asyncio
from collections.abc import Callable, Sequence

import asyncpg
import structlog

from andon.kernel.db import CONNECTION_LOST, Database
from andon.kernel.session import BY_INDEX

log = structlog.get_logger(__name__)

LOOK_SECONDS = 0.2
"""The interval of the poll, within which new work is seen."""

PATIENCE_SECONDS = 2.0
"""The longest time of a poll: an ending process waits for it at most this long."""

REST_SECONDS = 5.0
"""The longest rest of a loop that a lookout wakes. It then looks for itself, so a failed lookout costs only time."""


class Lookout:
    """Wakes the loops that have work. Use from one event loop."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._watched: list[tuple[str, Callable[[], None]]] = []
        self._connection: asyncpg.Connection | None = None
        self._is_blind = False

    def watch(self, sign: str, wake: Callable[[], None]) -> None:
        """Call `wake` at each poll at which this SQL expression is true. Use before `run`."""
        self._watched.append((sign, wake))

    async def run(self, stop: asyncio.Event) -> None:
        """Poll until `stop` is set. While the database is unreachable, no loop is woken, as it could do nothing."""
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
        """Return the answers, empty if the database is unreachable."""
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
    """Wait until one of the events is set or this many seconds have passed."""
    waiting = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waiting, timeout=within, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in waiting:
            one.cancel()
