"""The assignment of traffic buckets to candidates, and its change with the shares. Pure.

A new split moves as few units as possible: a candidate that shrinks gives up only the excess, one that grows keeps its
own and takes first what others gave up, then the champion's.
"""

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from andon.serving.candidates import Candidate

BUCKETS = 10_000
"""Shares are distinguished to a hundredth of a percent."""

Ranges: TypeAlias = tuple[tuple[int, int], ...]
"""Buckets from the first number up to, not including, the second; in their order."""

Places: TypeAlias = Mapping[Candidate, Ranges]
"""The buckets of each candidate; the rest is the champion's."""


def spread(shares: Mapping[Candidate, float], before: Places) -> dict[Candidate, Ranges]:
    """Return the buckets of candidates with these shares, in percent, after those of `before`."""
    wanted = {candidate: round(share * BUCKETS / 100) for candidate, share in sorted(shares.items())}
    kept = {candidate: _buckets(before.get(candidate, ()))[:count] for candidate, count in wanted.items()}
    held = {bucket for own in kept.values() for bucket in own}
    once = {bucket for ranges in before.values() for bucket in _buckets(ranges)}
    free = iter(sorted(set(range(BUCKETS)) - held, key=lambda bucket: (bucket not in once, bucket)))
    return {
        candidate: _ranges([*own, *(next(free) for _ in range(wanted[candidate] - len(own)))])
        for candidate, own in kept.items()
    }


def _buckets(ranges: Ranges) -> list[int]:
    return [bucket for first, end in ranges for bucket in range(first, end)]


def _ranges(buckets: Iterable[int]) -> Ranges:
    """Return the same buckets as ranges of neighbours."""
    ranges: list[tuple[int, int]] = []
    for bucket in sorted(buckets):
        if ranges and ranges[-1][1] == bucket:
            ranges[-1] = (ranges[-1][0], bucket + 1)
        else:
            ranges.append((bucket, bucket + 1))
    return tuple(ranges)
