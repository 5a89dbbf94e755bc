"""The concurrent runner of a worker's chores. A failure is logged, counted and retried, and delays no other chore.

The lease is claimed in its own transaction and confirmed in the transaction of the work. A worker that lost its lease
while frozen notices this before it commits, and its work is rolled back.
"""

import asyncio
import os
import socket
from collections.abc import Sequence
from datetime import timedelta
from time import monotonic
from uuid import uuid4

import structlog

from andon.kernel.chores import rows
from andon.kernel.chores.domain import Chore
from andon.kernel.chores.metrics import ChoreMetrics
from andon.kernel.db import Database
from andon.kernel.errors import Unavailable
from andon.kernel.lookout import first_of

NOTED_EVERY = timedelta(seconds=10)
"""The interval at which the success of a chore that every worker runs is recorded."""

ASKED_AGAIN = timedelta(seconds=5)
"""The interval at which a worker polls for a chore that another holds: the holder may end at any time."""

_LONGEST_ERROR = 300

log = structlog.get_logger(__name__)


class _LeaseLost(Exception):
    """Another worker holds the chore by now."""


class ChoreRunner:
    """Runs chores until it is stopped. `poke` runs one of them immediately."""

    def __init__(self, database: Database, chores: Sequence[Chore], metrics: ChoreMetrics) -> None:
        self._database, self._chores, self._metrics = database, chores, metrics
        self._holder = f"{socket.gethostname()}/{os.getpid()}/{uuid4().hex[:8]}"
        self._wakes = {chore.name: asyncio.Event() for chore in chores}
        self._held: dict[str, float] = {}
        self._noted: dict[str, float] = {}
        for chore in chores:
            metrics.failures.labels(chore.name)
            metrics.runs.labels(chore.name)

    def poke(self, name: str) -> None:
        """Run this chore now, because there may be something to do."""
        self._wakes[name].set()

    async def run(self, stop: asyncio.Event) -> None:
        """Run all chores until `stop` is set, then release them to other workers immediately."""
        async with asyncio.TaskGroup() as group:
            for chore in self._chores:
                group.create_task(self._repeat(chore, stop))
        await asyncio.to_thread(self._release)

    async def _repeat(self, chore: Chore, stop: asyncio.Event) -> None:
        wake = self._wakes[chore.name]
        while not stop.is_set():
            wake.clear()
            pause = await asyncio.to_thread(self._once, chore)
            if pause:
                await first_of(stop, wake, within=pause.total_seconds())

    def _once(self, chore: Chore) -> timedelta:
        """Run a chore if this worker holds it. Return how long to pause; zero if there may be more to do."""
        try:
            if not self._holds(chore):
                return min(chore.interval, ASKED_AGAIN)
            more = self._work(chore)
        except Unavailable as error:
            log.warning("worker.interrupted", chore=chore.name, error=str(error))
            return chore.interval
        except _LeaseLost:
            log.warning("worker.chore_lost", chore=chore.name)
            self._held.pop(chore.name, None)
            return min(chore.interval, ASKED_AGAIN)
        except Exception as error:  # the edge of the loop: after any error, a chore is tried again
            log.exception("worker.chore_failed", chore=chore.name)
            self._metrics.failures.labels(chore.name).inc()
            self._note_failure(chore, error)
            return chore.interval
        self._metrics.runs.labels(chore.name).inc()
        return timedelta() if more else chore.interval

    def _holds(self, chore: Chore) -> bool:
        """Return whether this worker may run a chore. Its lease is renewed at half its life."""
        if chore.lease is None or monotonic() < self._held.get(chore.name, 0.0):
            return True
        span, began = chore.interval + chore.lease, monotonic()
        with self._database.begin() as tx:
            claimed = rows.claim(tx, chore, self._holder, span)
        if claimed:
            self._held[chore.name] = began + span.total_seconds() / 2
        return claimed

    def _work(self, chore: Chore) -> bool:
        with self._database.begin() as tx:
            more = chore.work(tx, rows.now(tx))
            if chore.lease is not None:
                if not rows.done(tx, chore, self._holder):
                    raise _LeaseLost
            elif monotonic() >= self._noted.get(chore.name, 0.0):
                rows.seen(tx, chore)
                self._noted[chore.name] = monotonic() + NOTED_EVERY.total_seconds()
        return more

    def _note_failure(self, chore: Chore, error: Exception) -> None:
        lines = str(error).splitlines()
        said = f"{type(error).__name__}: {lines[0] if lines else ''}".replace("\0", "")[:_LONGEST_ERROR]
        self._noted.pop(chore.name, None)
        try:
            with self._database.begin() as tx:
                rows.failed(tx, chore, said)
        except Exception as failed:  # noqa: BLE001 - it is logged and counted; where it cannot be written, that is all
            log.warning("worker.failure_not_noted", chore=chore.name, error=type(failed).__name__)

    def _release(self) -> None:
        try:
            with self._database.begin() as tx:
                rows.release(tx, self._holder)
        except Unavailable as error:
            log.warning("worker.chores_not_released", error=str(error))
