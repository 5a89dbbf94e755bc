"""Moves of decisions, segments, and the few examples that a replay keeps of each. Pure values."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

EXAMPLES = 5
"""The most example decisions of a move, a reason or a segment."""


_Key = TypeVar("_Key")


class ReplayMove(NamedTuple):
    """A move from one outcome and rule to another, or to the same."""

    outcome: str
    rule: str
    to_outcome: str
    to_rule: str

    @property
    def flips(self) -> bool:
        """Whether the outcome changes."""
        return self.outcome != self.to_outcome

    @property
    def moves(self) -> bool:
        """Whether the outcome or the rule changes."""
        return self.flips or self.rule != self.to_rule


class SegmentCount(NamedTuple):
    """The decisions of one segment: all, those that flip, and those without a person before and after."""

    decisions: int = 0
    flips: int = 0
    automatic: int = 0
    to_automatic: int = 0

    def plus(self, other: "SegmentCount") -> "SegmentCount":
        """Add the counts of the same segment."""
        return SegmentCount(*(a + b for a, b in zip(self, other, strict=True)))


class SegmentFields(NamedTuple):
    """The contract fields that segment flips: `declared` always, `found` while they have few values."""

    declared: tuple[str, ...] = ()
    found: tuple[str, ...] = ()


def random_part(identifier: UUID) -> int:
    """Return the random part of an id."""
    return identifier.int & ((1 << 62) - 1)


def few_examples(ids: Iterable[UUID]) -> list[UUID]:
    """Choose by the random part of the ids: the choice does not depend on how the work was divided."""
    return sorted(set(ids), key=random_part)[:EXAMPLES]


def merge_examples(own: dict[_Key, list[UUID]], more: Mapping[_Key, Sequence[UUID]]) -> None:
    """Add examples by their keys, a few of each."""
    for key, some in more.items():
        own[key] = few_examples([*own.get(key, ()), *some])


def segment_of(value: Any) -> str | bool | None:
    """Return the value of a field as the segment that it is in."""
    return value if isinstance(value, bool | None) else str(value)[:100]
