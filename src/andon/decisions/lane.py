"""A lane: natural batching in front of one kind of arm.

Urgent work waits for no timer. While one batch passes through features, model, policy and commit, the next one
collects; it starts when the first ends. With few callers, answers go out first, and the requests that those callers
send immediately join the next batch. Many callers are shared by two batches, and the second is sent before the callers
of the first are answered. All inline arms share one lane, with one batch at a time. An arm elsewhere has a lane of its
own with as many batches as it has processes, so that it delays no other arm.
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
"""The largest next batch that is sent before the callers of the previous one are answered.

A larger one would keep those callers waiting too long.
"""

LOOK_SECONDS = 0.05
"""Seconds between two looks for queued requests whose deadlines pass while a batch is under way."""

TWO_FROM = 24
"""The number of callers from which two batches share them.

With fewer, the fixed cost of a second batch exceeds its gain from PostgreSQL.
"""


class _Ended(NamedTuple):
    """A batch whose end is known: it was recorded, or there is an error."""

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
        """The numbers of waiting requests: interactive, normal, bulk."""
        return self._queue.depths

    @property
    def depths_by_version(self) -> Counter[tuple[str, int, Priority]]:
        """Return how many wait for each version of a model, by priority."""
        return self._queue.depths_by_version

    @property
    def depths_by_automation(self) -> Counter[tuple[str, Priority]]:
        """Return how many wait for each automation, by priority."""
        return self._queue.depths_by_automation

    def expected_wait(self, priority: Priority, *, behind: int = 0) -> float:
        """Return the seconds until all requests ahead of a new one of this priority are answered.

        They are the requests being decided, those that wait ahead of it, and `behind` more. The estimate uses the
        recent service time.
        """
        ahead = self._deciding + self._queue.ahead_of(priority) + behind
        return self._service_time.each * ahead / max(1, self._under_way)

    def require_in_time(self, request: DecisionRequest, now_ns: int, *, behind: int = 0) -> None:
        """Raise LineBusy if a request that arrives now, after `behind` more, would pass its deadline before its turn.

        A deadline that has passed already raises nothing: a retry at another time would not help that request.
        """
        if request.deadline_ns is None:
            return
        left = (request.deadline_ns - now_ns) / 1e9
        if left >= self._service_time.each * (self._deciding + len(self._queue) + behind):
            return  # even if all were ahead of it, and decided one after the other
        wait = self.expected_wait(request.priority, behind=behind)
        if 0 < left < wait:
            raise LineBusy(
                f"More is waiting than can be decided in time (about {wait:.1f} s)", retry_after=max(1, round(wait))
            )

    def add(self, item: Item) -> None:
        """Take a request. It gets DeadlineExceeded if its deadline has passed at its turn: a retry would not help."""
        self._queue.add(item)
        self._go()

    async def drained(self) -> None:
        """Return when nothing waits and nothing is under way."""
        await self._idle.wait()

    def _go(self) -> None:
        """Start a batch if one is due and there is room for it."""
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
        """Answer queued requests whose deadline passes while a batch under way keeps the next from being taken."""
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
        """Decide batches, one after the other, until nothing due waits.

        With many callers, PostgreSQL gets the next batch before the callers of the previous one are answered, so that
        both work at the same time.
        """
        ended: _Ended | None = None
        reports: Sequence[BatchReport] = ()
        # A batch takes the time from the end of the previous one to its own end: in it, the callers of the previous one
        # are answered, and their next requests are read.
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
                del batch, deciding  # so that the next requests are read into the same memory, which is still cached
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
        """Read the next requests of callers that were just answered, until all are back or a look finds none.

        One look at the sockets is not enough: the last callers get their answers only then, and a caller who misses the
        batch waits for a whole one.
        """
        before = -1
        while before < len(self._queue) < callers:
            before = len(self._queue)
            await asyncio.sleep(0)

    def _share(self, ended: "_Ended | None") -> int:
        """Return how many to take: half of those waiting and those yet to be answered, if any are.

        Those callers will ask again, and two batches of equal size leave neither PostgreSQL nor this process idle for
        long.
        """
        return MAX_BATCH if ended is None else (len(self._queue) + len(ended.batch) + 1) // 2

    async def _end_of(self, batch: Sequence[Item], deciding: Awaitable[Passed], began: float, since: float) -> "_Ended":
        """Return the end of a batch, once it is known; the previous batch ended at `since`."""
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
        """Answer every caller of a batch, with its error if there is one. Return the reports for watchers."""
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
