"""Callers who wait for accepted requests to be decided: woken by what the database announces, never by looking again."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from andon.kernel.listening import EVERYTHING

MOST = 1000
"""Callers that may wait in one gateway; one more gets its answer at once."""


class Waiters:
    """Who waits for what. Use from one event loop."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._waiting: dict[UUID, list[asyncio.Event]] = {}
        self._count = 0

    @contextmanager
    def expecting(self, decision_id: UUID) -> Iterator[asyncio.Event | None]:
        """An event that is set once the request is over, from now on; None when too many wait already."""
        if self._count >= self._most:
            yield None
            return
        event = asyncio.Event()
        self._waiting.setdefault(decision_id, []).append(event)
        self._count += 1
        try:
            yield event
        finally:
            self._count -= 1
            others = self._waiting[decision_id]
            others.remove(event)
            if not others:
                del self._waiting[decision_id]

    async def heard(self, payload: str) -> None:
        """A request is over; after a gap in hearing, any may be."""
        if payload == EVERYTHING:
            self.wake_all()
            return
        for event in self._waiting.get(UUID(payload), ()):
            event.set()

    def wake_all(self) -> None:
        """Let everybody look."""
        for events in self._waiting.values():
            for event in events:
                event.set()
