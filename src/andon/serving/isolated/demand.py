"""Estimates of the load, from arrivals, durations and busy processes. Pure: the time is a parameter."""

from collections import deque

_WINDOW_SECONDS = 0.5
_MEMORY = 0.98
"""The weight of the previous mean in each update."""


class Demand:
    """The demand, updated with every batch that arrives, taken or refused, and with the duration of each."""

    def __init__(self) -> None:
        self._came: deque[float] = deque(maxlen=4096)
        self._seconds_each = 0.0

    def came(self, now: float) -> None:
        """Record an arriving batch."""
        self._came.append(now)

    def took(self, seconds: float) -> None:
        """Record a batch's duration in seconds."""
        self._seconds_each = _MEMORY * self._seconds_each + (1 - _MEMORY) * seconds if self._seconds_each else seconds

    def processes(self, now: float) -> float:
        """Return how many processes that would keep at work."""
        while self._came and self._came[0] < now - _WINDOW_SECONDS:
            self._came.popleft()
        return len(self._came) / _WINDOW_SECONDS * self._seconds_each


class Occupancy:
    """The occupancy, updated at every change of the number of busy processes."""

    def __init__(self, most: int, now: float) -> None:
        self._seconds = [0.0] * most
        self._busy = 0
        self._since = self._read_at = now
        self._idle_since = now

    def changed(self, busy: int, now: float) -> None:
        """Record that this many are at work from now on."""
        self._count(now)
        if self._busy and not busy:
            self._idle_since = now
        self._busy = busy

    def shares(self, now: float) -> list[float]:
        """Return, for 1, 2, 3 ... processes, the share of time since the last call with at least that many busy."""
        self._count(now)
        passed, self._read_at = now - self._read_at, now
        shares = [min(1.0, seconds / passed) if passed > 0 else 0.0 for seconds in self._seconds]
        self._seconds = [0.0] * len(self._seconds)
        return shares

    def idle_seconds(self, now: float) -> float:
        """Return since when none has been at work."""
        return 0.0 if self._busy else now - self._idle_since

    def _count(self, now: float) -> None:
        passed, self._since = now - self._since, now
        for n in range(min(self._busy, len(self._seconds))):
            self._seconds[n] += passed
