"""A clock as a log: its positions are the scheduled moments, in seconds since 1970.

Nothing is stored: past moments can be computed at any time, and each has an id of its own, so none occurs twice.
"""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from math import ceil
from time import perf_counter
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import structlog
from croniter import croniter
from pydantic_core import to_json

from andon.authoring import span_of
from andon.kernel.clock import Clock
from andon.streams.errors import StreamMissing
from andon.streams.ports import Arrival

log = structlog.get_logger(__name__)

PARTITION = "0"
POLL_SECONDS = 0.1
MOST_CAUGHT_UP = 10_000
"""The most missed moments that are counted, or caught up on together."""


class ScheduleSource:
    """The moments of one schedule. `name` is part of their ids."""

    def __init__(self, name: str, when: str, *, timezone: str, catch_up: bool, clock: Clock) -> None:
        self._name = name
        self._when = when
        self._catch_up = catch_up
        self._clock = clock
        self._every = None if croniter.is_valid(when) else int(span_of(when).total_seconds())
        self._timezone = timezone
        self._begun = int(clock.now().timestamp()) + 1

    async def partitions(self) -> Sequence[str]:
        """Return the only partition."""
        self._zone()
        return [PARTITION]

    async def start(self, partition: str) -> int:
        """Return now: moments before a schedule was known are not caught up on."""
        self._check(partition)
        return self._begun

    async def end(self, partition: str) -> int:
        """Return the position after the moments that have passed."""
        self._check(partition)
        return max(self._begun, self._last() + 1)

    async def position_at(self, partition: str, moment: datetime) -> int:
        """Return that moment, if it has passed."""
        return min(ceil(moment.timestamp()), await self.end(partition))

    async def read(self, partition: str, position: int, *, most: int, wait: float) -> Sequence[Arrival]:
        """Return the moments that became due since: only the newest, unless all are to be caught up."""
        self._check(partition)
        until = perf_counter() + wait
        while True:
            now = self._clock.now().timestamp()
            due = [moment for moment, _ in zip(self._from(position, now), range(MOST_CAUGHT_UP), strict=False)]
            if due and self._catch_up:
                return [self._arrival(moment, 0) for moment in due[:most]]
            if due:
                if len(due) > 1:
                    log.warning("schedule.missed", schedule=self._name, missed=len(due) - 1)
                return [self._arrival(due[-1], len(due) - 1)]
            if perf_counter() >= until:
                return []
            await asyncio.sleep(POLL_SECONDS)

    async def close(self) -> None:
        """Do nothing: there is nothing to close."""

    def _last(self) -> int:
        """Return the newest moment that has passed."""
        now = int(self._clock.now().timestamp())
        if self._every is not None:
            return now // self._every * self._every
        return int(croniter(self._when, datetime.fromtimestamp(now + 1, tz=self._zone())).get_prev(float))

    def _zone(self) -> ZoneInfo:
        try:
            return ZoneInfo(self._timezone)
        except (ZoneInfoNotFoundError, ValueError):
            raise StreamMissing(f"The schedule {self._name}: there is no time zone {self._timezone!r}") from None

    def _check(self, partition: str) -> None:
        if partition != PARTITION:
            raise StreamMissing(f"The schedule {self._name} has no partition {partition!r}")

    def _from(self, position: int, now: float) -> Iterator[int]:
        """Yield the moments from a position to now."""
        if self._every is not None:
            first = -(-position // self._every) * self._every
            yield from range(first, int(now) + 1, self._every)
            return
        moments = croniter(self._when, datetime.fromtimestamp(position - 1, tz=self._zone()))
        while (moment := moments.get_next(float)) <= now:
            yield int(moment)

    def _arrival(self, moment: int, missed: int) -> Arrival:
        at = datetime.fromtimestamp(moment, tz=UTC)
        headers = {
            "ce_specversion": "1.0",
            "ce_id": at.isoformat(),
            "ce_source": f"/andon/schedules/{self._name}",
            "ce_type": "andon.schedule.due",
            "ce_time": at.isoformat(),
        }
        return Arrival(moment, to_json({"scheduled_at": at.isoformat(), "missed": missed}), headers, None, at)
