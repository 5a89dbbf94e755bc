"""How many processes a version should have, from how long batches wait. Pure: what it sees and the time are handed in.

Growing follows the wait, and goes as far as what comes in asks for at once, since a start takes long; shrinking follows the processes that got no work for long. The pool gives a batch to the process
that worked last, so one that is not needed goes without work altogether: that is the hysteresis, and why a load that goes
up and down makes the pool follow once up and once down, not swing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

_LONG_WAITS = 10.0
"""A queue that was not empty for so many times the target is too long, however short each batch waited."""

_SETTLE_WAITS = 10.0
"""After a start the queue gets so many times the target to drain before the next."""

_LEAST_SETTLE_SECONDS = 0.2

_FULL = 0.9
"""None is ended where the others would be at work for more than this share of their time: it would soon be missed."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the owner asks for: processes at least and at most, how long a batch may wait, how long idle ones are kept."""

    least: int
    most: int
    wait_target_seconds: float
    idle_seconds: float


@dataclass(frozen=True, slots=True)
class Seen:
    """A pool at one moment. `idle` holds for each process without work how many seconds ago it last had any."""

    ready: int
    starting: int
    queued: int
    wait_seconds: float
    """The longest wait of a batch that waits now or was taken since the last look."""
    backlog_seconds: float
    """Since when the queue has not been empty."""
    demand: float = 0.0
    """How many processes the batches of late would keep at work: how many came in a second, times how long each took."""
    idle: Sequence[float] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """How many processes to start, and how many of the longest idle to end."""

    start: int = 0
    end: int = 0


NO_CHANGE = Change()


class Scaler:
    """Looks at a pool from time to time and says what to change."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._settles = max(_LEAST_SETTLE_SECONDS, _SETTLE_WAITS * bounds.wait_target_seconds)
        self._settled_at = 0.0

    def look(self, seen: Seen, now: float) -> Change:
        """What to change now."""
        bounds = self._bounds
        total = seen.ready + seen.starting
        if seen.starting:
            self._settled_at = now + self._settles
        if total < bounds.least:
            return Change(start=bounds.least - total)
        if total == 0:
            return Change(start=1) if seen.queued else NO_CHANGE
        if self._waits_too_long(seen):
            room = bounds.most - total
            if seen.starting or room <= 0 or now < self._settled_at:
                return NO_CHANGE
            enough = int(seen.demand) + 1 - total
            return Change(start=min(room, max(1, total // 2, enough)))
        if seen.queued or seen.starting:
            return NO_CHANGE
        surplus = sum(1 for seconds in seen.idle if seconds >= bounds.idle_seconds)
        kept = int(seen.demand / _FULL) + 1 if seen.demand else 0
        return Change(end=max(0, min(surplus, total - max(bounds.least, kept))))

    def _waits_too_long(self, seen: Seen) -> bool:
        target = self._bounds.wait_target_seconds
        return seen.wait_seconds > target or seen.backlog_seconds > _LONG_WAITS * target
