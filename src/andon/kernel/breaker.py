"""The states of every circuit breaker, whatever it protects."""

from enum import StrEnum


class BreakerState(StrEnum):
    """Closed lets everything through, open nothing, half-open one attempt to see whether the other side is back."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"
