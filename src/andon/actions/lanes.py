"""One lane per destination: it limits concurrent deliveries and their rate, and stops while its breaker is open.

So no lane delays another, and no receiver gets more than it can take.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta

import structlog

from andon.actions.domain import Answer, Breaker, is_up
from andon.actions.limits import DestinationPace, RetryBudget
from andon.actions.ports import Destination
from andon.kernel.breaker import BreakerState
from andon.kernel.claims import Room
from andon.kernel.clock import Clock
from andon.kernel.outbox import Message

PROBE_WAIT = timedelta(seconds=1)
"""The wait of other deliveries while one probes whether the receiver is back."""

_AHEAD = 1.0
"""How many seconds' worth of deliveries at the pace are claimed ahead."""

_log = structlog.get_logger(__name__)


class DestinationLane:
    """The way to one destination. `held` counts the messages that are claimed for it and not settled."""

    def __init__(self, destination: Destination, clock: Clock, *, stopping: asyncio.Event) -> None:
        self.destination = destination
        self.held = 0
        self.sending = 0
        self._held_again = 0
        self._clock = clock
        self._stopping = stopping
        self._slots = asyncio.Semaphore(destination.max_concurrent)
        self._breaker = Breaker()
        self._budget = None if destination.own else RetryBudget()
        self._pace = None if destination.rate_per_second is None else DestinationPace(destination.rate_per_second)

    @property
    def breaker(self) -> BreakerState:
        """The state of the breaker now."""
        return self._breaker.state(self._clock.now())

    @property
    def retries_left(self) -> int | None:
        """How many retries the budget allows now; None where there is no budget."""
        return None if self._budget is None else self._budget.room(self._seconds())

    @property
    def is_full(self) -> bool:
        """Whether enough is claimed to keep all slots busy, so that no more should be claimed."""
        return self.held >= 2 * self.destination.max_concurrent

    def room(self) -> Room:
        """Return how many more of the lane's messages may be claimed now."""
        free = 0 if self.is_full or self.blocked_until() else 4 * self.destination.max_concurrent - self.held
        if free and self.breaker is BreakerState.HALF_OPEN:
            free = min(free, 1)
        if free and self._pace is not None:
            free = min(free, max(0, self._pace.room(self._seconds(), within=_AHEAD) - self.held))
        left = self.retries_left if free else 0
        again = free if left is None else min(free, max(0, left - self._held_again))
        return Room(self.destination.name, free, again)

    def hold(self, message: Message) -> None:
        """Count a message claimed for this lane."""
        self.held += 1
        self._held_again += message.again

    def release(self, message: Message) -> bool:
        """Release a message that was settled or given back. Return whether there is room again."""
        was_full = self.is_full
        self.held -= 1
        self._held_again -= message.again
        return was_full and not self.is_full

    def blocked_until(self) -> datetime | None:
        """Return until when nothing may be sent; None if sending is allowed."""
        now = self._clock.now()
        if not self._breaker.blocks(now):
            return None
        opens = self._breaker.open_until
        return opens if opens is not None and opens > now else now + PROBE_WAIT

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Wait for a slot among concurrent deliveries, then for the pace unless stopping."""
        async with self._slots:
            self.sending += 1
            try:
                if self._pace is not None and not self._stopping.is_set():
                    await self._pause(self._pace.wait(self._seconds()))
                yield
            finally:
                self.sending -= 1

    def may_retry(self) -> bool:
        """Return whether one more retry is allowed now."""
        left = self.retries_left
        return left is None or left > 0

    def begin(self, message: Message) -> None:
        """Record a delivery that is let through; `answered` may follow, `abandon` must.

        Taking over from a process that died is neither a first try nor a retry, because the receiver did not cause it.
        """
        self._breaker = self._breaker.begun(self._clock.now())
        if self._budget is None:
            return
        if message.again:
            self._budget.retry(self._seconds())
        elif not message.attempts:
            self._budget.first(self._seconds())

    def abandon(self) -> None:
        """End a delivery that was let through; if it was not answered, another may probe instead."""
        self._breaker = self._breaker.abandoned()

    def answered(self, answer: Answer) -> None:
        """Learn from an answer whether the receiver works, unless the destination is our own."""
        if self.destination.own:
            return
        before = self.breaker
        self._breaker = self._breaker.answered() if is_up(answer) else self._breaker.failed(self._clock.now())
        if self.breaker is not before:
            _log.warning(
                "breaker moved", destination=self.destination.name, before=before.value, after=self.breaker.value
            )

    async def _pause(self, seconds: float) -> None:
        if seconds > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._stopping.wait()

    def _seconds(self) -> float:
        return self._clock.now().timestamp()
