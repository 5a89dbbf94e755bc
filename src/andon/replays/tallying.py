"""Tallies of a replay: the outcomes then and now, counted and merged. Pure.

Memory is bounded by the number of rules, values and examples.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from uuid import UUID

from andon.decisions import Difference, Judgement, summary_of
from andon.policies import REVIEW, Ruling
from andon.replays.drawn import DrawnDecision, few_drawn
from andon.replays.labelling import LabelSums
from andon.replays.measuring import MeasureSums
from andon.replays.moves import (
    ReplayMove,
    SegmentCount,
    SegmentFields,
    few_examples,
    merge_examples,
    random_part,
    segment_of,
)

MOST_VALUES = 20
"""The most values of a segment field that the automation does not declare. A field with more is omitted."""

MOST_DECLARED = 200
"""The most values of a declared segment field; the others are counted together."""

OTHERS = "(other values)"

APART = 20
"""The most decisions whose two sides are kept in words."""

_REASONS = 20
"""The most reasons why decisions could not be decided again; the others are counted together."""


Segments: TypeAlias = dict[Any, SegmentCount]


@dataclass(slots=True)
class ReplayTally:
    """The results of some decisions. `identical` are those with the same outcome, rule and score."""

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
    reason_examples: dict[str, list[UUID]] = field(default_factory=dict)
    segment_examples: dict[tuple[str, Any], list[UUID]] = field(default_factory=dict)
    undecided_examples: list[UUID] = field(default_factory=list)
    apart: list[Difference] = field(default_factory=list)
    labels: LabelSums = field(default_factory=LabelSums)
    measures: list[MeasureSums] = field(default_factory=list)
    drawn: list[DrawnDecision] = field(default_factory=list)

    def add(
        self,
        ids: Callable[[int], UUID],
        inputs: Sequence[Mapping[str, Any]],
        before: Sequence[Judgement],
        after: Sequence[Judgement],
    ) -> None:
        """Count decisions by their judgements then and now. `ids` gives the id of each by its number."""
        pairs = [(was.ruling, now.ruling) for was, now in zip(before, after, strict=True)]
        counted = Counter(pairs)
        moves = {pair: ReplayMove(pair[0].outcome, pair[0].rule, pair[1].outcome, pair[1].rule) for pair in counted}
        self.decisions += len(pairs)
        for pair, count in counted.items():
            self.moves[moves[pair]] += count
        moved = {pair for pair, move in moves.items() if move.moves}
        apart = [
            number
            for number, (pair, was, now) in enumerate(zip(pairs, before, after, strict=True))
            if pair in moved or (was.prediction is not now.prediction and _score(was) != _score(now))
        ]
        self.identical += len(pairs) - len(apart)
        for number in apart[: APART - len(self.apart)]:
            self.apart.append(Difference(ids(number), summary_of(before[number]), summary_of(after[number])))
        self._add_moved([(ids(n), moves[pairs[n]], *pairs[n]) for n in apart if pairs[n] in moved])
        self._add_segments(inputs, pairs, moves)
        self._add_segment_examples([(ids(n), inputs[n]) for n in apart if moves[pairs[n]].flips])

    def add_undecided(self, identifier: UUID, reason: str) -> None:
        """Count a decision that cannot be decided again."""
        self.decisions += 1
        self.undecided[reason if reason in self.undecided or len(self.undecided) < _REASONS else "other reasons"] += 1
        self.undecided_examples = few_examples([*self.undecided_examples, identifier])
        if len(self.apart) < APART:
            self.apart.append(Difference(identifier, "", reason))

    def add_measures(self, more: Sequence[MeasureSums]) -> None:
        """Add sums of the measures, which are always the same ones."""
        self.measures = self.measures or [MeasureSums() for _ in more]
        for own, other in zip(self.measures, more, strict=False):
            own.merge(other)

    def merge(self, other: "ReplayTally") -> None:
        """Add another tally."""
        self.decisions += other.decisions
        self.identical += other.identical
        self.moves.update(other.moves)
        self.gained.update(other.gained)
        self.lost.update(other.lost)
        for reason, count in other.undecided.items():
            known = reason in self.undecided or len(self.undecided) < _REASONS
            self.undecided[reason if known else "other reasons"] += count
        self.too_many |= other.too_many
        for name, segments in other.segments.items():
            self._merge_segments(name, segments)
        for name in self.too_many:
            self.segments.pop(name, None)
        merge_examples(self.examples, other.examples)
        merge_examples(self.reason_examples, other.reason_examples)
        merge_examples(self.segment_examples, other.segment_examples)
        self._keep_segment_examples()
        self.undecided_examples = few_examples([*self.undecided_examples, *other.undecided_examples])
        self.apart = sorted([*self.apart, *other.apart], key=lambda one: random_part(one.id))[:APART]
        self.labels = self.labels + other.labels
        self.add_measures(other.measures)
        if other.drawn:
            self.drawn = few_drawn([*self.drawn, *other.drawn])

    def _add_moved(self, moved: Sequence[tuple[UUID, ReplayMove, Ruling, Ruling]]) -> None:
        found: dict[ReplayMove, list[UUID]] = {}
        by_reason: dict[str, list[UUID]] = {}
        for identifier, move, was, now in moved:
            found.setdefault(move, []).append(identifier)
            if was.reasons != now.reasons:
                gained, lost = set(now.reasons) - set(was.reasons), set(was.reasons) - set(now.reasons)
                self.gained.update(gained)
                self.lost.update(lost)
                for reason in gained | lost:
                    by_reason.setdefault(reason, []).append(identifier)
        merge_examples(self.examples, found)
        merge_examples(self.reason_examples, by_reason)

    def _add_segment_examples(self, flipped: Sequence[tuple[UUID, Mapping[str, Any]]]) -> None:
        found: dict[tuple[str, Any], list[UUID]] = {}
        for name in self.segments:
            for identifier, given in flipped:
                found.setdefault((name, segment_of(given.get(name))), []).append(identifier)
        merge_examples(self.segment_examples, found)
        self._keep_segment_examples()

    def _keep_segment_examples(self) -> None:
        """Drop the examples of segments that are not counted separately."""
        for name, value in [*self.segment_examples]:
            if value not in self.segments.get(name, {}):
                del self.segment_examples[name, value]

    def _add_segments(
        self,
        inputs: Sequence[Mapping[str, Any]],
        pairs: Sequence[tuple[Ruling, Ruling]],
        moves: Mapping[tuple[Ruling, Ruling], ReplayMove],
    ) -> None:
        kinds = {pair: (move.flips, move.outcome != REVIEW, move.to_outcome != REVIEW) for pair, move in moves.items()}
        facets = [kinds[pair] for pair in pairs]
        for name in (*self.fields.declared, *self.fields.found):
            if name in self.too_many:
                continue
            values = [given.get(name) for given in inputs]
            if name in self.fields.found and len(set(values[: 10 * MOST_VALUES])) > MOST_VALUES:
                self._forget(name)
                continue
            found: Segments = {}
            for (value, (flips, automatic, to_automatic)), count in Counter(zip(values, facets, strict=True)).items():
                more = SegmentCount(count, count * flips, count * automatic, count * to_automatic)
                place = segment_of(value)
                found[place] = found.get(place, SegmentCount()).plus(more)
            self._merge_segments(name, found)

    def _forget(self, name: str) -> None:
        self.too_many.add(name)
        self.segments.pop(name, None)

    def _merge_segments(self, name: str, more: Segments) -> None:
        if name in self.too_many:
            return
        own, declared = self.segments.setdefault(name, {}), name in self.fields.declared
        most = MOST_DECLARED if declared else MOST_VALUES
        for value, count in more.items():
            place = value if value in own or len(own) < most else OTHERS
            if place is OTHERS and not declared:
                self._forget(name)
                return
            own[place] = own.get(place, SegmentCount()).plus(count)


def _score(judgement: Judgement) -> float | None:
    return None if judgement.prediction is None else judgement.prediction.score
