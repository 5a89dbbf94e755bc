"""Callers who wait for accepted requests to be decided. Notifications of the database wake them; nothing polls."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from andon.kernel.listening import EVERYTHING

MOST = 1000
"""Most callers that may wait in one gateway. One more gets its answer immediately."""


class Waiters:
    """Waiting callers by decision. Use it from one event loop."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._waiting: dict[UUID, list[asyncio.Event]] = {}
        self._count = 0

    @contextmanager
    def expecting(self, decision_id: UUID) -> Iterator[asyncio.Event | None]:
        """Give an event that is set once the request is settled, from now on; None if too many wait already."""
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
        """Wake the callers that wait for a settled request. After a gap in the notifications, wake all."""
        if payload == EVERYTHING:
            self.wake_all()
            return
        for event in self._waiting.get(UUID(payload), ()):
            event.set()

    def wake_all(self) -> None:
        """Wake all callers, so that each looks again."""
        for events in self._waiting.values():
            for event in events:
                event.set()
