"""Limits of a destination's traffic, as pure rules: a budget of retries, and a pace. Times are monotonic seconds."""

import math
from collections import deque
from dataclasses import dataclass, field

WINDOW = 30.0
"""The span after which a receiver's failures no longer delay due retries without new traffic, in seconds."""

RATIO = 0.2
FLOOR = 5
"""The retries in a window that are allowed to a destination with hardly any other traffic."""

_EPSILON = 1e-6
"""The rounding error of times of this size."""

_SLICES = 30
_SLICE = WINDOW / _SLICES


@dataclass(slots=True)
class RetryBudget:
    """Retries in a sliding window never exceed a fifth of the first tries in it, or the floor if that is more.

    So a failing receiver gets at most a fifth more than its usual load, however much is due. Counting uses slices of a
    second and is conservative: first tries count only in slices wholly in the window, retries in all that touch it.
    """

    _slices: deque[list[int]] = field(default_factory=deque)
    """[number, first tries, retries], oldest first."""

    def first(self, now: float) -> None:
        """Count a first try."""
        self._at(now)[1] += 1

    def retry(self, now: float) -> None:
        """Count a retry; check `room` before."""
        self._at(now)[2] += 1

    def room(self, now: float) -> int:
        """Return how many retries may be made now."""
        last = self._number(now)
        while self._slices and self._slices[0][0] < last - _SLICES:
            self._slices.popleft()
        firsts = sum(one[1] for one in self._slices if one[0] > last - _SLICES)
        retries = sum(one[2] for one in self._slices)
        return max(0, max(FLOOR, math.floor(firsts * RATIO)) - retries)

    def _at(self, now: float) -> list[int]:
        number = self._number(now)
        if not self._slices or self._slices[-1][0] < number:
            self._slices.append([number, 0, 0])
        return self._slices[-1]

    def _number(self, now: float) -> int:
        number = math.floor(now / _SLICE)
        return max(number, self._slices[-1][0]) if self._slices else number


@dataclass(slots=True)
class DestinationPace:
    """At most `rate` a second; after a pause, a burst of a tenth of a second's worth (at least one)."""

    rate: float
    _free_at: float = -math.inf

    def room(self, now: float, *, within: float = 0.0) -> int:
        """Return how many may begin within this many seconds from now."""
        return max(0, math.floor((now + within - self._earliest(now)) * self.rate + _EPSILON) + 1)

    def wait(self, now: float) -> float:
        """Take the next place; return the seconds until then."""
        at = self._earliest(now)
        self._free_at = at + 1 / self.rate
        return at - now if at - now > _EPSILON else 0.0

    def _earliest(self, now: float) -> float:
        """Return when the next may begin; it lies in the past by as much as a burst needs."""
        burst = max(1.0, self.rate / 10)
        return max(self._free_at, now - (burst - 1) / self.rate)
