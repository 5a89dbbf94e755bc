"""Admission: the rate limit of each key and the limit of requests under way.

The limits are kept in memory, per gateway. A check costs under a microsecond.
"""

from collections.abc import Mapping
from time import monotonic
from uuid import UUID

from andon.decisions import DeadlineExceeded, LineBusy
from andon.gateway.errors import Overloaded, RateLimited
from andon.kernel.errors import AndonError

SENT_AWAY: Mapping[type[AndonError], str] = {
    RateLimited: "rate",
    Overloaded: "queue",
    LineBusy: "queue",
    DeadlineExceeded: "deadline",
}
"""Errors that refuse a request for want of capacity or time -> the reason under which they are counted."""


class Bucket:
    """A token bucket that holds `capacity` tokens and is refilled at `per_second`."""

    __slots__ = ("_capacity", "_left", "_per_second", "_seen")

    def __init__(self, capacity: int, per_second: float, now: float) -> None:
        self._capacity = float(capacity)
        self._per_second = per_second
        self._left = self._capacity
        self._seen = now

    def take(self, now: float) -> float:
        """Take one token. Return how many are left, or less than 0 if there was none."""
        left = self._left + (now - self._seen) * self._per_second
        if left > self._capacity:
            left = self._capacity
        self._seen = now
        self._left = left if left < 1 else left - 1
        return left - 1

    def wait(self) -> float:
        """Return the seconds until there is a token."""
        return max(0.0, (1 - self._left) / self._per_second)


class Admission:
    """Admits requests, or raises RateLimited or Overloaded, which say when to try again."""

    def __init__(self, *, burst: int, per_minute: int, max_in_flight: int) -> None:
        self.policy = f'"burst";q={burst};w={max(1, round(burst * 60 / per_minute))}'
        self.in_flight = 0
        self._burst = burst
        self._per_second = per_minute / 60
        self._max_in_flight = max_in_flight
        self._buckets: dict[UUID, Bucket] = {}

    @property
    def share(self) -> float:
        """Share of the allowed requests that is under way, from 0 to 1."""
        return self.in_flight / self._max_in_flight

    @property
    def full(self) -> bool:
        """Whether as many requests are under way as are allowed."""
        return self.in_flight >= self._max_in_flight

    def admit(self, key: UUID) -> str:
        """Count one request of a key and return the value of its RateLimit header. Raises RateLimited, Overloaded."""
        now = monotonic()
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = Bucket(self._burst, self._per_second, now)
        left = bucket.take(now)
        if left < 0:
            raise RateLimited(retry_after=max(1, round(bucket.wait())))
        if self.in_flight >= self._max_in_flight:
            raise Overloaded(retry_after=1)
        return f'"burst";r={int(left)};t=1'
