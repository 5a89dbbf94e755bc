"""Breaches of expectations, published at most once a minute for each automation and value, with the decisions' count.

Each decision records what exactly was not as expected; this is for dashboards and subscribers.
"""

import asyncio
from collections import Counter
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

import structlog

from andon.features import store
from andon.features.domain import Breach
from andon.features.published import ExpectationBreached
from andon.kernel.clock import Clock
from andon.kernel.db import Database, Tx
from andon.kernel.errors import Unavailable
from andon.kernel.events import Events
from andon.kernel.regularly import regularly

log = structlog.get_logger(__name__)

SECONDS = 2.0

KEPT = timedelta(days=30)


def tell(tx: Tx, events: Events, counts: Mapping[tuple[str, str], int], now: datetime) -> None:
    """Add the number of decisions that breached an expectation, by automation and name; publish a minute's first."""
    minute = now.replace(second=0, microsecond=0)
    for automation, name in sorted(store.add_breaches(tx, counts, minute, now)):
        events.publish(tx, ExpectationBreached(automation, name, at=now))


def breaches(tx: Tx, *, automations: Collection[str] | None, since: datetime) -> list[Breach]:
    """Return the breaches since a moment, by automation and name, the latest first; None stands for all automations."""
    return store.breaches(tx, automations, since)


def forget_breaches(tx: Tx, now: datetime) -> int:
    """Delete old minutes, the worker's housekeeping; return how many were deleted."""
    return store.forget_breaches(tx, now - KEPT)


class BreachTeller:
    """The breaches that one process saw.

    `count` runs on the event loop; a thread writes the counts every two seconds.
    """

    def __init__(self, database: Database, events: Events, clock: Clock) -> None:
        self._database, self._events, self._clock = database, events, clock
        self._counts: Counter[tuple[str, str]] = Counter()

    def count(self, automation: str, name: str, decisions: int) -> None:
        """Count decisions that saw an unexpected value of this name."""
        self._counts[automation, name] += decisions

    async def run(self) -> None:
        """Write until cancelled, and then the rest. Counts that the database cannot take now are written later."""
        await regularly(self.tell, seconds=SECONDS)

    async def tell(self) -> None:
        """Write the counts."""
        if not self._counts:
            return
        counts, self._counts = self._counts, Counter()
        try:
            await asyncio.to_thread(self._write, counts)
        except Unavailable as error:
            self._counts.update(counts)
            log.warning("breaches.not_told", error=str(error))

    def _write(self, counts: Mapping[tuple[str, str], int]) -> None:
        with self._database.begin() as tx:
            tell(tx, self._events, counts, self._clock.now())
