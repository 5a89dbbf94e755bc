"""A lane: natural batching in front of one kind of arm.

There is no timer on the way of urgent work. While one batch is on its way through features, model, policy and commit, the next
collects; the moment the first ends, what has collected goes. Few callers are told first, and those who ask again at once go with
it; many callers are shared by two batches, of which the next is sent before the callers of the first are told. All inline arms
share one lane, with one batch at a time; an arm elsewhere has a lane of its own with as many batches as it has processes, so
that it holds up nobody else.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from time import perf_counter, perf_counter_ns
from typing import NamedTuple

import structlog

from andon.decisions.domain import DecisionRequest, Priority
from andon.decisions.errors import DeadlineExceeded, LedgerUnavailable, LineBusy
from andon.decisions.pace import Pace
from andon.decisions.passage import Parts, Passed, decide
from andon.decisions.queue import BULK_SLICE, MAX_BATCH, Item, Queue, grouped
from andon.decisions.report import BatchReport
from andon.decisions.service_time import ServiceTime

log = structlog.get_logger(__name__)

AHEAD = 64
"""A next batch of at most so many is sent before the last one is told; a larger one would keep those callers waiting too long."""

LOOK_SECONDS = 0.05
"""Seconds between two looks for queued requests whose deadlines pass while a batch is under way."""

TWO_FROM = 24
"""From so many callers on, two batches share them; of fewer, the fixed cost of a second batch takes more than PostgreSQL gives back."""


class _Ended(NamedTuple):
    """A batch whose end is known: it passed, or there is an error."""

    batch: Sequence[Item]
    passed: Passed | None
    error: BaseException | None


class Lane:
    """Decides what is added to it, batch by batch. Use from one event loop."""

    def __init__(self, parts: Parts, *, capacity: Callable[[], int], max_batch: int = MAX_BATCH) -> None:
        self._parts = parts
        self._capacity = capacity
        self._queue = Queue(max_batch)
        self._under_way = self._deciding = 0
        self._service_time = ServiceTime(max_batch)
        self._pace = Pace()
        self._wake: asyncio.TimerHandle | None = None
        self._look: asyncio.TimerHandle | None = None
        self._taken = perf_counter()
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def depths(self) -> tuple[int, int, int]:
        """How many wait: interactive, normal, bulk."""
        return self._queue.depths

    @property
    def depths_by_version(self) -> Counter[tuple[str, int, Priority]]:
        """How many wait for each version of a model, by priority."""
        return self._queue.depths_by_version

    @property
    def depths_by_automation(self) -> Counter[tuple[str, Priority]]:
        """How many wait for each automation, by priority."""
        return self._queue.depths_by_automation

    def expected_wait(self, priority: Priority, *, behind: int = 0) -> float:
        """Seconds until all are answered who go before a request of this priority that came now, behind so many more: those who
        are being decided, and those who wait. By the service time of late."""
        ahead = self._deciding + self._queue.ahead_of(priority) + behind
        return self._service_time.each * ahead / max(1, self._under_way)

    def require_in_time(self, request: DecisionRequest, now_ns: int, *, behind: int = 0) -> None:
        """Raises LineBusy when the deadline of a request that came now, behind so many more, would pass before its turn.

        Not when it is over already: for that there is no better time to come again.
        """
        if request.deadline_ns is None:
            return
        left = (request.deadline_ns - now_ns) / 1e9
        if left >= self._service_time.each * (self._deciding + len(self._queue) + behind):
            return  # though all were ahead of it, and decided one after the other
        wait = self.expected_wait(request.priority, behind=behind)
        if 0 < left < wait:
            raise LineBusy(
                f"More is waiting than can be decided in time (about {wait:.1f} s)", retry_after=max(1, round(wait))
            )

    def add(self, item: Item) -> None:
        """Take a request. One whose deadline is over at its turn gets DeadlineExceeded: coming again would not help it."""
        self._queue.add(item)
        self._go()

    async def drained(self) -> None:
        """Return when nothing waits and nothing is under way."""
        await self._idle.wait()

    def _go(self) -> None:
        """Start a batch if there is one that is due, and room for it."""
        if self._under_way >= self._capacity():
            return
        self._idle.clear()
        if self._look is None:
            self._look = asyncio.get_running_loop().call_later(LOOK_SECONDS, self._look_after)
        wait = self._queue.bulk_wait(perf_counter_ns())
        if wait is None:
            self._under_way += 1
            asyncio.get_running_loop().create_task(self._run())
        elif self._wake is None:
            self._wake = asyncio.get_running_loop().call_later(wait, self._bulk_is_due)

    def _look_after(self) -> None:
        """Answer those whose deadline passes in the queue while no batch is taken, because the one under way does not end."""
        self._look = None
        if not len(self._queue) and not self._under_way:
            return
        if perf_counter() - self._taken > LOOK_SECONDS and (expired := self._queue.take_expired(perf_counter_ns())):
            self._tell_expired(expired)
        self._look = asyncio.get_running_loop().call_later(LOOK_SECONDS, self._look_after)

    def _bulk_is_due(self) -> None:
        self._wake = None
        if len(self._queue):
            self._go()

    async def _run(self) -> None:
        """Batches, one after the other, until nothing waits that is due.

        With many callers the next one is on its way to PostgreSQL before those of the last one are told, so that both work at once.
        """
        ended: _Ended | None = None
        reports: Sequence[BatchReport] = ()
        # The time from the end of one batch to that of the next is what that one takes: the first is told in it, and what is asked next read.
        since = perf_counter()
        try:
            while True:
                room = self._pace.room(BULK_SLICE) if self._queue.depths[Priority.BULK] else 0
                batch, expired = self._queue.take(room, perf_counter_ns(), self._share(ended))
                if expired:
                    self._tell_expired(expired)
                if not batch:
                    break
                if len(self._queue):
                    self._go()
                began = self._taken = perf_counter()
                self._deciding += len(batch)
                deciding: Awaitable[Passed] = decide(self._parts, batch)
                if ended is not None:
                    deciding = asyncio.ensure_future(deciding)
                    await asyncio.sleep(0)  # until it has something to wait for
                    reports = self._tell(ended)
                if reports:
                    asyncio.get_running_loop().call_soon(self._parts.watcher.batch, reports)  # once this waits
                ended, reports = None, ()
                ended = await self._end_of(batch, deciding, began, since)
                since = perf_counter()
                waiting = len(self._queue)
                callers = waiting + len(batch)
                few = callers < TWO_FROM
                del batch, deciding  # so that the next requests are read into their memory, which the caches still have
                if few or not 0 < waiting <= AHEAD:
                    reports = self._tell(ended)
                    ended = None
                if few:
                    await self._until_read(callers)
        finally:
            if ended is not None:
                reports = self._tell(ended)
            self._under_way -= 1
            if len(self._queue):
                self._go()
            elif self._under_way == 0:
                self._idle.set()
            if reports:
                self._parts.watcher.batch(reports)

    async def _until_read(self, callers: int) -> None:
        """Read those who were told a moment ago and ask again: until all are back, or a look at the sockets brings nobody.

        One look is not enough. The last of them have their answer only then, and who misses the batch waits for a whole one.
        """
        before = -1
        while before < len(self._queue) < callers:
            before = len(self._queue)
            await asyncio.sleep(0)

    def _share(self, ended: "_Ended | None") -> int:
        """How many to take. While the last ones are still to be told, half of both: they will ask again, and two batches of one
        size leave neither PostgreSQL nor this process without work for long."""
        return MAX_BATCH if ended is None else (len(self._queue) + len(ended.batch) + 1) // 2

    async def _end_of(self, batch: Sequence[Item], deciding: Awaitable[Passed], began: float, since: float) -> "_Ended":
        """How a batch ended, once it is known; the batch before it did at `since`."""
        try:
            passed = await deciding
        except Exception as error:  # noqa: BLE001 - the edge between batches and callers: each caller gets it and answers it
            self._parts.watcher.failed(isinstance(error, LedgerUnavailable), len(batch))
            return _Ended(batch, None, error)
        finally:
            self._deciding -= len(batch)
        now = perf_counter()
        self._pace.learn(len(batch), now - began)
        self._service_time.learn(len(batch), now - since)
        return _Ended(batch, passed, None)

    def _tell(self, ended: "_Ended") -> Sequence[BatchReport]:
        """Tell everybody how a batch ended; each gets the error if there is one. Gives what watchers are to hear of it."""
        passed = ended.passed
        if passed is None:
            for item in ended.batch:
                item.tell(None, ended.error)
            return ()
        whole, recorded = passed.whole, passed.recorded
        for group in passed.groups:
            for item, decision in zip(group.items, group.decisions, strict=True):
                item.tell(decision if whole or item.request.id in recorded else None, None)
        for group in passed.groups:
            if group.line.traffic.shadows:
                self._parts.shadow(group.line, *group.seen_of(passed.recorded))
        return passed.reports()

    def _tell_expired(self, expired: Sequence[Item]) -> None:
        for item in expired:
            item.tell(None, DeadlineExceeded())
        for line, items in grouped(expired):
            self._parts.watcher.expired(line.automation.name, len(items))
