"""The time of recent batches: a part for any batch (a commit), and a part for each decision in it. Pure.

It is a straight line through batch sizes and their times, by least squares; older batches count for less. The slope is
what one more decision adds. The mean, time by size, would take the commit of a small batch for the cost of its few
decisions.
"""

_MEMORY = 0.95
"""How much of the weight of the batches before it each batch leaves."""

_LEAST_SHARE = 0.02
"""The least cost of a decision, as a part of the mean.

Measured times scatter, so a slope may come out below zero.
"""


class Pace:
    """Learns from batches."""

    def __init__(self) -> None:
        self._weight = self._sizes = self._squares = self._seconds = self._products = 0.0

    def learn(self, decisions: int, seconds: float) -> None:
        """Learn from a batch of `decisions` that took `seconds`."""
        self._weight = _MEMORY * self._weight + 1
        self._sizes = _MEMORY * self._sizes + decisions
        self._squares = _MEMORY * self._squares + decisions * decisions
        self._seconds = _MEMORY * self._seconds + seconds
        self._products = _MEMORY * self._products + decisions * seconds

    @property
    def usual(self) -> float:
        """Seconds that any batch takes, however small; 0 before the first."""
        each = self.each
        return 0.0 if each is None else (self._seconds - each * self._sizes) / self._weight

    def room(self, seconds: float) -> int:
        """Return how many more decisions lengthen a batch by `seconds`, or by a batch's usual time if that is more.

        It is 0 before the first batch. Behind a slow commit, fewer decisions would save nobody much time and need many
        commits.
        """
        each = self.each
        return int(max(seconds, self.usual) / each) if each else 0

    @property
    def each(self) -> float | None:
        """Seconds that one more decision adds to a batch, at most the mean; None before the first batch."""
        if not self._weight:
            return None
        mean = self._seconds / self._sizes
        spread = self._squares * self._weight - self._sizes * self._sizes
        if spread <= 1e-6 * self._squares * self._weight:  # all of one size
            return mean
        slope = (self._products * self._weight - self._sizes * self._seconds) / spread
        return min(max(slope, _LEAST_SHARE * mean), mean)
