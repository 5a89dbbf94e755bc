"""The paths of partitions, as the open ends of all their moves together. Pure, no database."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

PartitionKey: TypeAlias = tuple[str, str]
"""A partition: the subject of its stream's entries, and its name."""


class Ways:
    """Adds up moves in any order, in the memory of their open ends.

    At each position it counts how many moves end there, minus how many begin there. Only counts other than zero are
    kept: for consecutive moves, these are the beginning of the first and the end of the last.
    """

    def __init__(self) -> None:
        self._ends: dict[PartitionKey, dict[int, int]] = {}

    @classmethod
    def of_document(cls, document: Mapping[str, Mapping[str, Mapping[str, int]]]) -> "Ways":
        """Read what `document` returned."""
        ways = cls()
        for stream, partitions in document.items():
            for partition, ends in partitions.items():
                ways._ends[stream, partition] = {int(at): times for at, times in ends.items()}
        return ways

    def document(self) -> dict[str, Any]:
        """Return the open ends as JSON."""
        found: dict[str, Any] = {}
        for (stream, partition), ends in sorted(self._ends.items()):
            found.setdefault(stream, {})[partition] = {str(at): times for at, times in sorted(ends.items())}
        return found

    def step(self, log: PartitionKey, first: int | None, after: int | None) -> None:
        """Add a move; one without a beginning creates a partition, one without an end removes it."""
        if first != after:
            self._count(log, first, -1)
            self._count(log, after, 1)

    def joined(self, others: "Ways") -> "Ways":
        """Return the sum of both."""
        both = Ways()
        both._ends = {log: dict(ends) for log, ends in self._ends.items()}
        for log, ends in others._ends.items():
            for at, times in ends.items():
                both._count(log, at, times)
        return both

    def pop(self, log: PartitionKey) -> Mapping[int, int]:
        """Remove a partition and return its open ends."""
        return self._ends.pop(log, {})

    def items(self) -> Iterable[tuple[PartitionKey, Mapping[int, int]]]:
        """Return the partitions that have open ends."""
        return self._ends.items()

    def _count(self, log: PartitionKey, at: int | None, times: int) -> None:
        if at is None:
            return
        ends = self._ends.setdefault(log, {})
        left = ends.get(at, 0) + times
        if left:
            ends[at] = left
        else:
            ends.pop(at, None)
            if not ends:
                del self._ends[log]
