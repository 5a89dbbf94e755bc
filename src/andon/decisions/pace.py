"""How long batches of late took: something for any batch (a commit), and something for each decision in it. Pure.

A straight line through batch sizes and their times, by least squares; older batches count for less. What one more decision
adds is its slope: the mean, time by size, would take the commit of a small batch for the cost of its few decisions.
"""

_MEMORY = 0.95
"""How much of the weight of the batches before it each batch leaves."""

_LEAST_SHARE = 0.02
"""A decision is taken to cost at least this part of the mean; measured times scatter, and a slope may come out below nothing."""


class Pace:
    """Learns from batches."""

    def __init__(self) -> None:
        self._weight = self._sizes = self._squares = self._seconds = self._products = 0.0

    def learn(self, decisions: int, seconds: float) -> None:
        """A batch of so many took so long."""
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
        """How many more decisions make a batch longer by these seconds, or by what any batch takes if that is more; 0 before the first.

        Behind a slow commit fewer would save nobody much time, and need many commits.
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
