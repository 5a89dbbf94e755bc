"""An estimate of the number of distinct values: the K smallest of their hashes ("k minimum values"). Pure.

A set of fewer than K hashes is the set itself, so the count is exact. From K on it is estimated from the density of the
smallest hashes; the standard error is 1/sqrt(K - 2), 9%. The K smallest of a union are the K smallest of both sides' K
smallest, so merging loses nothing, and the order of the values does not matter.
"""

import struct
from collections.abc import Collection, Sequence
from hashlib import blake2b
from heapq import nsmallest

K = 128
"""Fewer different values than this are counted exactly."""

_RANGE = 2.0**63
_TRIM = 8 * K


def hash_of(value: float | str) -> int:
    """63 bits of a value; the same for 1 and 1.0, another for "1"."""
    if type(value) is str:
        digest = blake2b(value.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    else:
        digest = blake2b(struct.pack("<d", float(value) + 0.0), digest_size=8, person=b"number").digest()
    return int.from_bytes(digest, "big") >> 1


def union(one: Sequence[int], other: Sequence[int]) -> tuple[int, ...]:
    """Return the sketch of all values of both, smallest hash first."""
    return smallest({*one, *other})


def smallest(hashes: Collection[int]) -> tuple[int, ...]:
    """Return the sketch of these hashes, which are distinct."""
    return tuple(nsmallest(K, hashes)) if len(hashes) > K else tuple(sorted(hashes))


def count_of(hashes: Collection[int]) -> int:
    """Return the number of distinct values; exact below K."""
    if len(hashes) < K:
        return len(hashes)
    return round((K - 1) * _RANGE / max(1, nsmallest(K, hashes)[-1]))


def add_all(hashes: set[int], more: Sequence[int]) -> None:
    """Put a sketch into a growing set, which is kept small."""
    hashes.update(more)
    if len(hashes) > _TRIM:
        kept = nsmallest(K, hashes)
        hashes.clear()
        hashes.update(kept)
