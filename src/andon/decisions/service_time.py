"""Recent service times of decisions under load, used to estimate the wait in a queue. Pure.

The estimate is the median of the last batches, each weighted by its number of decisions. A commit that stalled for
seconds, or the very first batch, says nothing of later ones. An average would include it, and callers who could be
answered at once would be refused.
"""

from bisect import bisect_left
from collections import deque
from itertools import accumulate

_TELLING = 16
"""From so many decisions on, a batch tells what one costs under load."""

_OF_LATE = 9
"""Batches that are remembered."""

_LEAST = 3
"""From so many batches on, something is known."""


class ServiceTime:
    """Learns from batches of at most `limit` decisions each. `each` is in seconds; 0 while nothing is known."""

    __slots__ = ("_of_late", "_telling", "each")

    def __init__(self, limit: int) -> None:
        self.each = 0.0
        self._telling = min(_TELLING, limit)
        self._of_late: deque[tuple[float, int]] = deque(maxlen=_OF_LATE)

    def learn(self, decisions: int, seconds: float) -> None:
        """Learn from a batch of `decisions` that took `seconds`.

        A small batch counts only if it was faster than the present estimate: most of its time is the fixed cost of any
        commit. If that were taken for the cost of each decision, a burst on a quiet line would look hopeless and be
        refused.
        """
        each = seconds / decisions
        if decisions < self._telling and each >= self.each:
            return
        self._of_late.append((each, decisions))
        if len(self._of_late) >= _LEAST:
            self.each = self._median()

    def _median(self) -> float:
        ordered = sorted(self._of_late)
        decided = list(accumulate(decisions for _, decisions in ordered))
        return ordered[bisect_left(decided, decided[-1] / 2)][0]
