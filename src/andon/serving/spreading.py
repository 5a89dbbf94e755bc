"""Which buckets of the traffic belong to which version, and how they pass on when the shares change. Pure.

A new split moves nobody who need not move: a version that shrinks gives up only what it has too much, one that grows keeps
what it has and takes first what others gave up, then what was the champion's.
"""

from collections.abc import Iterable, Mapping
from typing import TypeAlias

BUCKETS = 10_000
"""A share is told apart to a hundredth of a percent."""

Ranges: TypeAlias = tuple[tuple[int, int], ...]
"""Buckets from the first number up to, not including, the second; in their order."""

Places: TypeAlias = Mapping[int, Ranges]
"""The buckets of each version; what is nobody's is the champion's."""


def spread(shares: Mapping[int, float], before: Places) -> dict[int, Ranges]:
    """The buckets of versions that shall have so many percent each, after they had those of `before`."""
    wanted = {version: round(share * BUCKETS / 100) for version, share in sorted(shares.items())}
    kept = {version: _buckets(before.get(version, ()))[:count] for version, count in wanted.items()}
    held = {bucket for own in kept.values() for bucket in own}
    once = {bucket for ranges in before.values() for bucket in _buckets(ranges)}
    free = iter(sorted(set(range(BUCKETS)) - held, key=lambda bucket: (bucket not in once, bucket)))
    return {
        version: _ranges([*own, *(next(free) for _ in range(wanted[version] - len(own)))])
        for version, own in kept.items()
    }


def _buckets(ranges: Ranges) -> list[int]:
    return [bucket for first, end in ranges for bucket in range(first, end)]


def _ranges(buckets: Iterable[int]) -> Ranges:
    """The same buckets, neighbours together."""
    ranges: list[tuple[int, int]] = []
    for bucket in sorted(buckets):
        if ranges and ranges[-1][1] == bucket:
            ranges[-1] = (ranges[-1][0], bucket + 1)
        else:
            ranges.append((bucket, bucket + 1))
    return tuple(ranges)
