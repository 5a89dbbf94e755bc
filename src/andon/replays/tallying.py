"""Tallies of a replay: what came out and what would have, counted and merged. Memory is bounded by rules, values and examples. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

from andon.decisions import Difference, Judgement, summary_of
from andon.policies import REVIEW
from andon.replays.labelling import LabelSums

MOST_VALUES = 20
"""A field with more values is no segment, unless the automation declares it as one."""

MOST_DECLARED = 200
"""Values of a declared segment that are told apart."""

OTHERS = "(other values)"

EXAMPLES = 5
"""Decisions that are named for each kind of move."""

APART = 20
"""Decisions of which both sides are kept in words."""

_REASONS = 20
"""Reasons why decisions could not be decided again that are told apart."""


class ReplayMove(NamedTuple):
    """From one outcome and rule to another, or to the same."""

    outcome: str
    rule: str
    to_outcome: str
    to_rule: str

    @property
    def flips(self) -> bool:
        """Whether the outcome is another."""
        return self.outcome != self.to_outcome

    @property
    def moves(self) -> bool:
        """Whether the outcome or the rule is another."""
        return self.flips or self.rule != self.to_rule


class SegmentCount(NamedTuple):
    """Decisions of one segment: all, those that flip, and those that were and would be made without a person."""

    decisions: int = 0
    flips: int = 0
    automatic: int = 0
    to_automatic: int = 0


Segments: TypeAlias = dict[Any, SegmentCount]


class SegmentFields(NamedTuple):
    """The fields of the contract by which flips are counted: `declared` ones always, `found` ones while they have few values."""

    declared: tuple[str, ...] = ()
    found: tuple[str, ...] = ()


@dataclass(slots=True)
class ReplayTally:
    """What some decisions came to. `identical` are those with the same outcome, rule and score."""

    fields: SegmentFields = field(default_factory=SegmentFields)
    decisions: int = 0
    identical: int = 0
    moves: Counter[ReplayMove] = field(default_factory=Counter)
    gained: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)
    segments: dict[str, Segments] = field(default_factory=dict)
    too_many: set[str] = field(default_factory=set)
    undecided: Counter[str] = field(default_factory=Counter)
    examples: dict[ReplayMove, list[UUID]] = field(default_factory=dict)
    undecided_examples: list[UUID] = field(default_factory=list)
    apart: list[Difference] = field(default_factory=list)
    labels: LabelSums = field(default_factory=LabelSums)

    def add(
        self,
        ids: Sequence[UUID],
        inputs: Sequence[Mapping[str, Any]],
        before: Sequence[Judgement],
        after: Sequence[Judgement],
    ) -> None:
        """Count decisions: what was judged, and what is judged now."""
        pairs = list(zip(before, after, strict=True))
        moves = [
            ReplayMove(was.ruling.outcome, was.ruling.rule, now.ruling.outcome, now.ruling.rule) for was, now in pairs
        ]
        counted = Counter(moves)
        self.decisions += len(moves)
        self.moves.update(counted)
        moved = {move for move in counted if move.moves}
        same = [move not in moved and _score(was) == _score(now) for move, (was, now) in zip(moves, pairs, strict=True)]
        self.identical += sum(same)
        self._add_apart(ids, pairs, same)
        if moved:
            self._add_moved([(ids[n], move, *pairs[n]) for n, move in enumerate(moves) if move in moved])
        self._add_segments(inputs, moves, counted)

    def add_undecided(self, identifier: UUID, reason: str) -> None:
        """Count a decision that cannot be decided again."""
        self.decisions += 1
        self.undecided[reason if reason in self.undecided or len(self.undecided) < _REASONS else "other reasons"] += 1
        self.undecided_examples = _few([*self.undecided_examples, identifier])
        if len(self.apart) < APART:
            self.apart.append(Difference(identifier, "", reason))

    def merge(self, other: "ReplayTally") -> None:
        """Add what others counted."""
        self.decisions += other.decisions
        self.identical += other.identical
        for own, more in (
            (self.moves, other.moves),
            (self.gained, other.gained),
            (self.lost, other.lost),
        ):
            own.update(more)  # type: ignore[arg-type]  # each of one kind
        for reason, count in other.undecided.items():
            known = reason in self.undecided or len(self.undecided) < _REASONS
            self.undecided[reason if known else "other reasons"] += count
        self.too_many |= other.too_many
        for name, segments in other.segments.items():
            self._merge_segments(name, segments)
        for name in self.too_many:
            self.segments.pop(name, None)
        for move, some in other.examples.items():
            self.examples[move] = _few([*self.examples.get(move, ()), *some])
        self.undecided_examples = _few([*self.undecided_examples, *other.undecided_examples])
        self.apart = sorted([*self.apart, *other.apart], key=lambda one: one.id.int & _RANDOM)[:APART]
        self.labels = self.labels + other.labels

    def _add_apart(
        self, ids: Sequence[UUID], pairs: Sequence[tuple[Judgement, Judgement]], same: Sequence[bool]
    ) -> None:
        wanted = APART - len(self.apart)
        for number in islice((n for n, one in enumerate(same) if not one), max(0, wanted)):
            was, now = pairs[number]
            self.apart.append(Difference(ids[number], summary_of(was), summary_of(now)))

    def _add_moved(self, moved: Iterable[tuple[UUID, ReplayMove, Judgement, Judgement]]) -> None:
        found: dict[ReplayMove, list[UUID]] = {}
        for identifier, move, was, now in moved:
            found.setdefault(move, []).append(identifier)
            if was.ruling.reasons != now.ruling.reasons:
                self.gained.update(set(now.ruling.reasons) - set(was.ruling.reasons))
                self.lost.update(set(was.ruling.reasons) - set(now.ruling.reasons))
        for move, ids in found.items():
            self.examples[move] = _few([*self.examples.get(move, ()), *ids])

    def _add_segments(
        self, inputs: Sequence[Mapping[str, Any]], moves: Sequence[ReplayMove], counted: Mapping[ReplayMove, int]
    ) -> None:
        kinds = {move: (move.flips, move.outcome != REVIEW, move.to_outcome != REVIEW) for move in counted}
        facets = [kinds[move] for move in moves]
        for name in (*self.fields.declared, *self.fields.found):
            if name in self.too_many:
                continue
            found: Segments = {}
            each = Counter(zip([_segment_value(given.get(name)) for given in inputs], facets, strict=True))
            for (value, (flips, automatic, to_automatic)), count in each.items():
                more = SegmentCount(count, count * flips, count * automatic, count * to_automatic)
                found[value] = _sum(found.get(value, SegmentCount()), more)
            self._merge_segments(name, found)

    def _merge_segments(self, name: str, more: Segments) -> None:
        if name in self.too_many:
            return
        own, declared = self.segments.setdefault(name, {}), name in self.fields.declared
        most = MOST_DECLARED if declared else MOST_VALUES
        for value, count in more.items():
            place = value if value in own or len(own) < most else OTHERS
            if place is OTHERS and not declared:
                self.too_many.add(name)
                del self.segments[name]
                return
            own[place] = _sum(own.get(place, SegmentCount()), count)


def _sum(one: SegmentCount, other: SegmentCount) -> SegmentCount:
    return SegmentCount(*(a + b for a, b in zip(one, other, strict=True)))


def _score(judgement: Judgement) -> float | None:
    return None if judgement.prediction is None else judgement.prediction.score


def _few(ids: Iterable[UUID]) -> list[UUID]:
    """Choose by the random part of the ids, so that it is the same choice however the work was divided."""
    return sorted(set(ids), key=lambda one: one.int & _RANDOM)[:EXAMPLES]


_RANDOM = (1 << 62) - 1


def _segment_value(value: Any) -> str | bool | None:
    return value if isinstance(value, bool | None) else str(value)[:100]
