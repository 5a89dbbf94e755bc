"""The time of recent batches: a fixed part for any batch (a commit), and a part for each decision in it. Pure.

It is a straight line through batch sizes and their times, by least squares; older batches count for less. The slope is
the cost of one more decision. A plain mean of time by size would mistake the commit of a small batch for the cost of
its few decisions.
"""

_MEMORY = 0.95
"""The share of its weight that each earlier batch keeps when a new one is learned."""

_LEAST_SHARE = 0.02
"""The least cost of a decision, as a share of the mean.

Measured times scatter, so the slope may be negative.
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
        """The seconds that any batch takes, however small; 0 before the first."""
        each = self.each
        return 0.0 if each is None else (self._seconds - each * self._sizes) / self._weight

    def room(self, seconds: float) -> int:
        """Return how many more decisions lengthen a batch by `seconds`, or by a batch's usual time if that is more.

        It is 0 before the first batch. If commits are slow, smaller batches would save nobody much time and need many
        commits.
        """
        each = self.each
        return int(max(seconds, self.usual) / each) if each else 0

    @property
    def each(self) -> float | None:
        """The seconds that one more decision adds to a batch, at most the mean; None before the first batch."""
        if not self._weight:
            return None
        mean = self._seconds / self._sizes
        spread = self._squares * self._weight - self._sizes * self._sizes
        if spread <= 1e-6 * self._squares * self._weight:  # all of the same size
            return mean
        slope = (self._products * self._weight - self._sizes * self._seconds) / spread
        return min(max(slope, _LEAST_SHARE * mean), mean)
