"""The clock as a parameter, so that no rule reads a clock of its own.

All processes of an installation use one clock, that of the database server, so they agree on what is due, claimed or
expired even while a machine's clock is wrong.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from time import monotonic
from typing import Protocol

from andon.kernel.errors import Unavailable
from andon.kernel.patience import patiently

LOOK_SECONDS = 2.0
"""The interval at which the server's clock is read."""


class Clock(Protocol):
    """Returns the current time."""

    def now(self) -> datetime:
        """Return the current time, aware, in UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class SharedClock:
    """The database server's clock, read by `ask`; the machine's clock until the first `look`.

    Between two looks it advances by elapsed time, which no clock setting changes. A slow answer is less precise,
    because the server read its clock at some moment in between. Any thread may use it.
    """

    def __init__(self, ask: Callable[[], datetime], *, passing: Callable[[], float] = monotonic) -> None:
        self._ask = ask
        self._passing = passing
        self._ahead = datetime.now(UTC).timestamp() - passing()

    def now(self) -> datetime:
        return datetime.fromtimestamp(self._passing() + self._ahead, UTC)

    def look(self) -> None:
        """Ask the server once, and follow its answer as far as that is certain. Raises DatabaseUnavailable."""
        began = self._passing()
        there = self._ask().timestamp()
        self._ahead = min(max(self._ahead, there - self._passing()), there - began)

    async def begin(self) -> None:
        """Look as soon as the server answers. Raises DatabaseUnavailable if it does not answer for long."""
        await patiently(lambda: asyncio.to_thread(self.look), passing=self._passing)

    async def follow(self) -> None:
        """Look now and then periodically, through outages. Runs until cancelled."""
        while True:
            with suppress(Unavailable):
                await asyncio.to_thread(self.look)
            await asyncio.sleep(LOOK_SECONDS)
