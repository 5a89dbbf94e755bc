"""Scaling: the number of processes a version should have, from the waits of batches. Pure: all input is a parameter.

It grows by the waits, and at once as far as the arrivals demand, since a start takes long. It shrinks by the number of
busy processes: one that was hardly needed for `idle_seconds` ends. Where that proves wrong, the next takes twice as
long: a steady load is met once and for all, and a varying one is followed up and down without oscillation.
"""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

_WINDOW_SECONDS = 1.0
_LATE_SHARE, _LATE_LEAST = 0.05, 3
"""The share and the least number of the last second's batches above the wait target that count as too many."""

_STUCK_WAITS = 5.0
"""The wait, in multiples of the target, at which a single batch is enough."""

_BACKLOG_WAITS = 10.0
"""So is a queue that was not empty for this multiple of the target, however short the wait of each batch."""

_SETTLE_WAITS, _LEAST_SETTLE_SECONDS = 10.0, 0.2
"""The time for the queue to drain before the next start: a multiple of the target, and a minimum."""

_SELDOM = 0.05
"""A process that is needed for a smaller share of the time is not needed."""

_FULL = 0.9
"""None is ended where the others would be at work for more than this share of their time: it would soon be missed."""

_MOST_PATIENCE = 64.0


@dataclass(frozen=True, slots=True)
class Bounds:
    """The owner's limits: least and most processes, the target wait of a batch, and the time to keep idle processes."""

    least: int
    most: int
    wait_target_seconds: float
    idle_seconds: float


@dataclass(frozen=True, slots=True)
class PoolSample:
    """A pool at one moment, and what happened in it since the last look."""

    ready: int
    starting: int = 0
    queued: int = 0
    waits: Sequence[float] = ()
    """The wait of each batch taken since the last look."""
    oldest_seconds: float = 0.0
    """The wait of the oldest waiting batch."""
    backlog_seconds: float = 0.0
    """The time for which the queue has not been empty."""
    demand: float = 0.0
    """The processes that recent batches would keep busy: arrivals per second times the duration of each."""
    at_work: Sequence[float] = ()
    """For 1, 2, 3 ... processes the share of time since the last look with at least that many busy."""
    idle_seconds: float = 0.0
    """The time for which none has been busy."""


@dataclass(frozen=True, slots=True)
class Change:
    """The number of processes to start, and of the longest idle to end."""

    start: int = 0
    end: int = 0


NO_CHANGE = Change()


class Scaler:
    """Looks at a pool from time to time and says what to change."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._settles = max(_LEAST_SETTLE_SECONDS, _SETTLE_WAITS * bounds.wait_target_seconds)
        self._settled_at = 0.0
        self._waited: deque[tuple[float, bool]] = deque()
        self._needed = [0.0] * bounds.most
        """For 1, 2, 3 ... processes the share of time in which that many were needed; recent times weigh more."""
        self._looked_at: float | None = None
        self._patience = 1.0
        self._shrunk: float | None = None
        """The demand at which processes were ended last."""

    def look(self, seen: PoolSample, now: float) -> Change:
        """Return what to change now."""
        bounds = self._bounds
        total = seen.ready + seen.starting
        self._remember(seen, now)
        if seen.starting:
            self._settled_at = now + self._settles
        if total < bounds.least:
            return Change(start=bounds.least - total)
        if total == 0:
            return Change(start=1) if seen.queued else NO_CHANGE
        if self._waits_too_long(seen):
            return self._grow(seen, total, now)
        if seen.queued or seen.starting:
            return NO_CHANGE
        return self._shrink(seen, total)

    def _grow(self, seen: PoolSample, total: int, now: float) -> Change:
        """Return a growth: at once to the demand; beyond it step by step, each after the last had time to help."""
        room = self._bounds.most - total
        more = int(seen.demand) + 1 - total
        if not seen.starting and now >= self._settled_at:
            more = max(more, 1, total // 2)
        if min(room, more) <= 0:
            return NO_CHANGE
        self._learn(seen)
        return Change(start=min(room, more))

    def _shrink(self, seen: PoolSample, total: int) -> Change:
        """End what was hardly needed; the very last only when nothing at all came for long."""
        bounds = self._bounds
        needed = max((n for n, share in enumerate(self._needed, start=1) if share >= _SELDOM), default=0)
        kept = max(bounds.least, needed, int(seen.demand / _FULL) + 1)
        if bounds.least == 0 and seen.idle_seconds >= bounds.idle_seconds:
            kept = 0
        if kept >= total:
            return NO_CHANGE
        self._shrunk = seen.demand
        return Change(end=total - kept)

    def _remember(self, seen: PoolSample, now: float) -> None:
        """Take in what happened since the last look: a share of nothing fades under `_SELDOM` within `idle_seconds`."""
        passed = 0.0 if self._looked_at is None else now - self._looked_at
        self._looked_at = now
        fading = math.exp(math.log(_SELDOM) * passed / (self._bounds.idle_seconds * self._patience))
        for n, share in enumerate(self._needed):
            at_work = seen.at_work[n] if n < len(seen.at_work) else 0.0
            self._needed[n] = fading * share + (1 - fading) * at_work
        if seen.starting:  # what is coming is wanted, until it proves otherwise
            wanted = min(self._bounds.most, seen.ready + seen.starting)
            self._needed[:wanted] = [1.0] * wanted
        self._waited.extend((now, wait > self._bounds.wait_target_seconds) for wait in seen.waits)
        while self._waited and self._waited[0][0] < now - _WINDOW_SECONDS:
            self._waited.popleft()

    def _waits_too_long(self, seen: PoolSample) -> bool:
        target = self._bounds.wait_target_seconds
        late = sum(1 for _, was_late in self._waited if was_late)
        many = late >= _LATE_LEAST and late >= _LATE_SHARE * len(self._waited)
        return many or seen.oldest_seconds > _STUCK_WAITS * target or seen.backlog_seconds > _BACKLOG_WAITS * target

    def _learn(self, seen: PoolSample) -> None:
        """Double the patience if processes ended too early, which is so if the demand is about the same.

        Else reset it.
        """
        if self._shrunk is None:
            return
        alike = seen.demand <= 1.5 * self._shrunk + 0.5
        self._patience = min(_MOST_PATIENCE, 2 * self._patience) if alike else 1.0
        self._shrunk = None
