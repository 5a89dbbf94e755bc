"""Recent service times of decisions under load, used to estimate the wait in a queue. Pure.

The estimate is the median of the last batches, each weighted by its number of decisions. A commit that stalled for
seconds, or the very first batch, says nothing about later ones. An average would include it, and would refuse callers
who could be answered immediately.
"""

from bisect import bisect_left
from collections import deque
from itertools import accumulate

_TELLING = 16
"""The number of decisions from which a batch shows the cost of one under load."""

_OF_LATE = 9
"""The number of batches that are remembered."""

_LEAST = 3
"""The number of batches from which there is an estimate."""


class ServiceTime:
    """Learns from batches of at most `limit` decisions each. `each` is in seconds; 0 while nothing is known."""

    __slots__ = ("_of_late", "_telling", "each")

    def __init__(self, limit: int) -> None:
        self.each = 0.0
        self._telling = min(_TELLING, limit)
        self._of_late: deque[tuple[float, int]] = deque(maxlen=_OF_LATE)

    def learn(self, decisions: int, seconds: float) -> None:
        """Learn from a batch of `decisions` that took `seconds`.

        A small batch counts only if it was faster than the current estimate: most of its time is the fixed cost of any
        commit. If that were mistaken for the cost of each decision, a burst on a quiet line would look hopeless and be
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
