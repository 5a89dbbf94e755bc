"""A circuit breaker for one version: after repeated failures it gets no batch for a while, then one probe decides.

Pure: the time is a parameter, in seconds of any monotonic clock. Every version has one, wherever it runs.
"""

import math
import sys
from collections import deque
from dataclasses import dataclass

from andon.kernel.breaker import BreakerState


@dataclass(frozen=True, slots=True)
class Tolerance:
    """The limits that open a breaker: `consecutive` failures, or `share` of the last `window` batches.

    It stays open for `first_seconds` and twice as long after each failed probe, up to `longest_seconds`.
    """

    consecutive: int = 5
    share: float = 0.5
    window: int = 20
    first_seconds: float = 1.0
    longest_seconds: float = 30.0


USUAL = Tolerance()

BOUNDLESS = Tolerance(consecutive=sys.maxsize, share=math.inf)
"""Never opens: for callers that query a version in any case."""


class VersionBreaker:
    """Call `admit` before each batch, and report the outcome of each admitted batch, and of no other."""

    def __init__(self, tolerance: Tolerance = USUAL) -> None:
        self.state = BreakerState.CLOSED
        self._tolerance = tolerance
        self._recent: deque[bool] = deque(maxlen=tolerance.window)
        self._in_a_row = 0
        self._open_seconds = tolerance.first_seconds
        self._until = 0.0

    def admit(self, now: float) -> bool:
        """Return whether to admit a batch.

        A half-open breaker admits one probe; if it never reports, another may follow.
        """
        if self.state is BreakerState.CLOSED:
            return True
        if now < self._until:
            return False
        self.state = BreakerState.HALF_OPEN
        self._until = now + self._open_seconds
        return True

    def retry_after(self, now: float) -> float:
        """Seconds until a batch may go again; 0 when it may now."""
        return 0.0 if self.state is BreakerState.CLOSED else max(0.0, self._until - now)

    def succeed(self) -> None:
        """Record an answered batch.

        A probe's answer closes the breaker; that of a batch sent before it opened does not.
        """
        if self.state is BreakerState.OPEN:
            return
        if self.state is BreakerState.HALF_OPEN:
            self._close()
        self._in_a_row = 0
        self._recent.append(True)

    def fail(self, now: float) -> None:
        """Record a batch that failed, or could not be tried."""
        if self.state is BreakerState.OPEN:
            return
        if self.state is BreakerState.HALF_OPEN:
            self._open_seconds = min(self._tolerance.longest_seconds, 2 * self._open_seconds)
            self._open(now)
            return
        self._in_a_row += 1
        self._recent.append(False)
        if self._in_a_row >= self._tolerance.consecutive or self._too_many():
            self._open(now)

    def _too_many(self) -> bool:
        """Return whether the window is full and holds too large a share of failures."""
        full = len(self._recent) == self._tolerance.window
        return full and self._recent.count(False) >= self._tolerance.share * self._tolerance.window

    def _open(self, now: float) -> None:
        self.state = BreakerState.OPEN
        self._until = now + self._open_seconds

    def _close(self) -> None:
        self.state = BreakerState.CLOSED
        self._open_seconds = self._tolerance.first_seconds
        self._in_a_row = 0
        self._recent.clear()
