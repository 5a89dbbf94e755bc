"""A brake on guessing keys: after a few failures an address waits, twice as long each time."""

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address
from threading import Lock

FREE = 4
"""Failures that cost nothing: people mistype."""

_FIRST_WAIT = timedelta(seconds=2)
_LONGEST_WAIT = timedelta(minutes=5)
_FORGET_AFTER = timedelta(minutes=15)
_MOST_ADDRESSES = 10_000


@dataclass(slots=True)
class _Failures:
    count: int
    last_at: datetime


@dataclass(slots=True)
class Throttle:
    """Failed sign-ins by address, in the memory of one process; ordered by last failure, oldest first."""

    _failures: OrderedDict[str, _Failures] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)

    def wait(self, address: str, now: datetime) -> timedelta:
        """Return how long this address must wait before its next attempt is looked at; zero if it need not."""
        with self._lock:
            failures = self._failures.get(_network(address))
            if failures is None or failures.count < FREE:
                return timedelta()
            doublings = min(failures.count - FREE, 10)
            pause: timedelta = min(_FIRST_WAIT * 2**doublings, _LONGEST_WAIT)
            return max(failures.last_at + pause - now, timedelta())

    def failed(self, address: str, now: datetime) -> None:
        """Count one failure."""
        with self._lock:
            self._forget(now)
            network = _network(address)
            failures = self._failures.setdefault(network, _Failures(0, now))
            failures.count += 1
            failures.last_at = now
            self._failures.move_to_end(network)
            if len(self._failures) > _MOST_ADDRESSES:
                self._failures.popitem(last=False)

    def succeeded(self, address: str) -> None:
        """Clear what was counted."""
        with self._lock:
            self._failures.pop(_network(address), None)

    def _forget(self, now: datetime) -> None:
        while self._failures and now - next(iter(self._failures.values())).last_at > _FORGET_AFTER:
            self._failures.popitem(last=False)


def _network(address: str) -> str:
    """One IPv6 customer has a /64 to choose addresses from, so it counts as one."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    return str(IPv6Address(int(parsed) >> 64 << 64)) if isinstance(parsed, IPv6Address) else address
