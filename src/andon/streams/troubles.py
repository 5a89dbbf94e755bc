"""Persistent failures of one stream: logged once, shown, and retried after ever longer pauses."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from random import uniform

import structlog

from andon.kernel.errors import AndonError, Unavailable
from andon.streams.domain import StreamKey

log = structlog.get_logger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
"""Seconds between two tries."""

SHOWN = 10
"""The number of problems shown in words; the rest is counted."""


class Troubles:
    """The current problems, by activity. `show` displays them, the oldest first, or None; it may raise Unavailable."""

    def __init__(self, key: StreamKey, show: Callable[[str | None], Awaitable[None]]) -> None:
        self._key = key
        self._show = show
        self._pauses: dict[str, float] = {}
        self._problems: dict[str, str] = {}

    async def failed(self, doing: str, error: Exception) -> None:
        """Report a problem, and lengthen the pause before the next attempt."""
        pause = self._pauses.get(doing, FIRST_PAUSE)
        self._pauses[doing] = min(LONGEST_PAUSE, pause * 2)
        await self.tell(doing, error)
        await asyncio.sleep(uniform(pause / 2, pause))  # noqa: S311 - spreads retries; no secret

    async def tell(self, doing: str, error: Exception) -> None:
        """Report a problem of something that is retried on its own schedule."""
        known = self._problems.get(doing)
        self._problems[doing] = str(error) if isinstance(error, AndonError) else type(error).__name__
        if known != self._problems[doing]:
            unforeseen = None if isinstance(error, AndonError) else error
            log.warning(
                "stream.troubled", stream=str(self._key), doing=doing, error=self._problems[doing], exc_info=unforeseen
            )
            await self.show()

    def went_well(self, doing: str) -> None:
        """Record that an activity works (again)."""
        self._pauses.pop(doing, None)
        if self._problems.pop(doing, None) is not None:
            log.info("stream.goes_on", stream=str(self._key), doing=doing)

    def forget(self, doing: str) -> None:
        """Forget an activity that has ended."""
        self._pauses.pop(doing, None)
        self._problems.pop(doing, None)

    async def show(self) -> None:
        """Show the current problems where people look."""
        with suppress(Unavailable):
            await self._show(self._in_words())

    def _in_words(self) -> str | None:
        """Return the current problems, each once."""
        problems = list(dict.fromkeys(self._problems.values()))
        more = [f"and {len(problems) - SHOWN} more"] if len(problems) > SHOWN else []
        return "; ".join([*problems[:SHOWN], *more]) or None
