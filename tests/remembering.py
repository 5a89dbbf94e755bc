"""Evidence in memory, for tests without a database: stored items, and one at a time for each account."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID

from andon.actions import EvidenceStep
from andon.kernel.outbox import MessageClaim


class RememberedEvidence:
    """Keeps everything; `most` is the largest number that acted for one account at once.

    `is_taken_over` says that another worker has claimed all actions; `on_begin` is called when a commit is on record.
    """

    def __init__(self) -> None:
        self.steps: dict[UUID, EvidenceStep] = {}
        self.most = 0
        self.is_taken_over = False
        self.on_begin: Callable[[], object] = lambda: None
        self._acting: dict[str, int] = defaultdict(int)
        self._locks: dict[tuple[object, str], asyncio.Lock] = {}

    @asynccontextmanager
    async def hold(self, account: str) -> AsyncIterator[None]:
        lock = self._locks.setdefault((asyncio.get_running_loop(), account), asyncio.Lock())
        async with lock:
            self._acting[account] += 1
            self.most = max(self.most, self._acting[account])
            try:
                yield
            finally:
                self._acting[account] -= 1

    async def begin(self, step: EvidenceStep, claim: MessageClaim | None) -> bool:
        if self.is_taken_over:
            return False
        self.steps[step.id] = step
        self.on_begin()
        return True

    async def keep(self, step: EvidenceStep) -> None:
        self.steps[step.id] = step

    async def committed_at(self, action_id: UUID) -> datetime | None:
        found = [s.began_at for s in self.steps.values() if s.action_id == action_id and s.commit and not s.look]
        return max(found, default=None)
