"""A process's spending: its tally, its purse, and the loop that writes both every second."""

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from types import TracebackType
from typing import Literal
from uuid import uuid4

import structlog

from andon.authoring import Budget
from andon.kernel.clock import Clock
from andon.kernel.db import Database
from andon.kernel.errors import Unavailable
from andon.kernel.events import Events
from andon.kernel.patience import patiently
from andon.spending import service
from andon.spending.domain import Price
from andon.spending.ports import SpendWatcher
from andon.spending.purse import LEASE, Purse
from andon.spending.tally import SpendTally, TakenSpend

log = structlog.get_logger(__name__)

SECONDS = 1.0
"""Seconds between two writes of everything."""

PAUSE = 0.02
"""Least seconds between two renewals of a purse that is low."""


class Keeper:
    """Keeps a process's tally and purse.

    `async with keeper:` reserves the first blocks; at the end it writes what was used and returns the rest. Use `tally`
    and `purse` on the thread of the event loop. `cpu_seconds` returns the CPU time of the serving process and its child
    processes, which never falls. Time that no decision used is the idle cost.
    """

    def __init__(
        self,
        database: Database,
        budgets: Mapping[str, Budget],
        price: Price,
        *,
        clock: Clock,
        events: Events,
        watcher: SpendWatcher,
        cpu_seconds: Callable[[], float] = time.process_time,
        lease: timedelta = LEASE,
    ) -> None:
        self._wake = asyncio.Event()
        self.tally = SpendTally(price)
        self.purse = Purse(database, budgets, price, events=events, on_low=self._wake.set, lease=lease)
        self._database, self._price, self._clock, self._watcher = database, price, clock, watcher
        self._cpu_seconds = cpu_seconds
        self._writer = uuid4()
        self._taken: TakenSpend | None = None
        self._idle_us = 0
        self._ending = False
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "Keeper":
        self._idle_us = self._idle_so_far()
        await patiently(lambda: asyncio.to_thread(self._begin))
        self._task = asyncio.get_running_loop().create_task(self._run())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> Literal[False]:
        self._ending = True
        self._wake.set()
        if self._task is not None:
            await self._task
        await asyncio.to_thread(self._patiently, self._end)
        return False

    async def _run(self) -> None:
        """Renew everything once a second, and purses that run low in between."""
        loop = asyncio.get_running_loop()
        due = loop.time() + SECONDS
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), max(0.0, due - loop.time()))
            if self._ending:
                return
            self._wake.clear()
            if loop.time() < due:
                await asyncio.to_thread(self._patiently, self._renew_low)
            else:
                await asyncio.to_thread(self._patiently, self._renew)
                due = loop.time() + SECONDS
            await asyncio.sleep(PAUSE)

    def _patiently(self, work: Callable[[], None]) -> None:
        """Run database work. If it fails, the next run writes what this one did not."""
        try:
            work()
        except Unavailable as error:
            log.warning("spending.interrupted", work=work.__name__, error=str(error))
        except Exception:
            # The edge of the loop: it must go on, because without renewals no prediction can be paid.
            log.exception("spending.failed", work=work.__name__)

    def _begin(self) -> None:
        with self._database.begin() as tx:
            service.keep_house(tx, self._clock.now())
        self._renew()

    def _renew(self) -> None:
        self._write()
        self._watcher.budgets(self.purse.renew(self._clock.now()))

    def _renew_low(self) -> None:
        for state in self.purse.renew(self._clock.now(), only_low=True):
            self._watcher.budget(state)

    def _end(self) -> None:
        self.purse.close(self._clock.now())
        self._write()

    def _write(self) -> None:
        """Write the tally. An addition whose commit is in doubt is written first, under its old number."""
        now = self._clock.now()
        if self._taken is not None:
            self._add(self._taken, now)
        idle_us = self._idle_so_far()
        if idle_us > self._idle_us:
            self.tally.spend_idle(idle_us - self._idle_us)
            self._idle_us = idle_us
        self._taken = self.tally.take(now.date())
        if self._taken is not None:
            self._add(self._taken, now)

    def _add(self, taken: TakenSpend, now: datetime) -> None:
        with self._database.begin() as tx:
            service.add(tx, self._writer, taken, self._price.currency, now)
        self._taken = None
        self._watcher.spent(taken.rows)

    def _idle_so_far(self) -> int:
        return int(self._cpu_seconds() * 1e6) - self.tally.decided_cpu_us
