"""Breaches of expectations, told as they happen: one event a minute at most for each automation and value, with how many decisions.

What exactly was not as expected stands with each decision; this is for who looks, and for who listens.
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
    """Write how many decisions saw which value otherwise than expected, by automation and name; publish what is new in this minute."""
    minute = now.replace(second=0, microsecond=0)
    for automation, name in store.add_breaches(tx, counts, minute, now):
        events.publish(tx, ExpectationBreached(automation, name, at=now))


def breaches(tx: Tx, *, automations: Collection[str] | None, since: datetime) -> list[Breach]:
    """What was not as expected since a moment, by automation and name, the latest first; of the named automations or all."""
    return store.breaches(tx, automations, since)


def forget_breaches(tx: Tx, now: datetime) -> int:
    """The worker's housekeeping; how many minutes were deleted."""
    return store.forget_breaches(tx, now - KEPT)


class BreachTeller:
    """What one process saw. `count` is called on the event loop, and what was counted is written beside it every two seconds."""

    def __init__(self, database: Database, events: Events, clock: Clock) -> None:
        self._database, self._events, self._clock = database, events, clock
        self._counts: Counter[tuple[str, str]] = Counter()

    def count(self, automation: str, name: str, decisions: int) -> None:
        """So many decisions saw this value otherwise than expected."""
        self._counts[automation, name] += decisions

    async def run(self) -> None:
        """Tell until cancelled, and then what is left. What the database does not take now is told later."""
        await regularly(self.tell, seconds=SECONDS)

    async def tell(self) -> None:
        """Tell what was counted."""
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
