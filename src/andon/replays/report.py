"""The report of a replay as a value: flips, and changes of work and of mistakes. Pure.

Where the data does not support a figure, the report gives the reason instead.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

from andon.policies import REVIEW
from andon.replays.domain import ReplayQuestion
from andon.replays.labelling import LEAST_APART, LEAST_LABELS, LEAST_SHARE
from andon.replays.moves import EXAMPLES, ReplayMove, SegmentCount
from andon.replays.tallying import ReplayTally
from andon.replays.totals import MeasureChange
from andon.statistics.intervals import LabelEstimate, WeightedSums, weighted_mean, weighted_share

SHOWN = 50
"""The most rules, reasons and segments in a report."""


@dataclass(frozen=True, slots=True)
class ReviewMinutes:
    """The minutes that a review takes (None if unknown), and the source of that figure."""

    each: float | None
    source: str


@dataclass(frozen=True, slots=True)
class ReplayScope:
    """The decisions that were replayed, both sides in words: `before`, and the candidate part by part."""

    automation: str
    since: datetime
    until: datetime
    before: str
    candidate: Mapping[str, str]
    stopped: str | None = None
    """The reason why only a part was replayed; None if all of it was."""


@dataclass(frozen=True, slots=True)
class OutcomeFlip:
    """The decisions that change from one outcome to another, with examples."""

    before: str
    after: str
    decisions: int
    share: float
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RuleMove:
    """The decisions that one rule made and another rule makes now."""

    before: str
    rule_before: str
    after: str
    rule_after: str
    decisions: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReasonChange:
    """Counts of changed decisions that gain a reason code and that lose it."""

    reason: str
    gained: int
    lost: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SegmentChange:
    """The decisions of one segment: how many flip, and the automatic shares."""

    field: str
    value: str
    decisions: int
    flips: int
    automatic_before: float
    automatic_after: float
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AutomaticChange:
    """The decisions that need no person: their number and share before and after."""

    before: int
    after: int
    share_before: float
    share_after: float


@dataclass(frozen=True, slots=True)
class ReviewChange:
    """Reviews before and after, and the minutes that they take."""

    before: int
    after: int
    minutes_each: float | None
    source: str
    minutes: float | None
    """The change in minutes."""


@dataclass(frozen=True, slots=True)
class LabelledChange:
    """The error or the cost of automatic decisions on both sides, and the difference per decision.

    `silent` is the reason why a figure is missing.
    """

    before: LabelEstimate | None
    after: LabelEstimate | None
    difference: LabelEstimate | None
    silent: str | None


@dataclass(frozen=True, slots=True)
class ValueChange:
    """One reported measure as it was, and its estimate under the candidate; `silent` is why it is missing."""

    measure: str
    unit: str
    before: LabelEstimate | None
    after: LabelEstimate | None
    difference: LabelEstimate | None
    silent: str | None


@dataclass(frozen=True, slots=True)
class ReplayReport:
    """Everything that a replay found."""

    asked: ReplayScope
    decisions: int
    compared: int
    identical: int
    flipped: int
    """The decisions whose outcome changes."""
    flips: tuple[OutcomeFlip, ...]
    rules: tuple[RuleMove, ...]
    reasons: tuple[ReasonChange, ...]
    segments: tuple[SegmentChange, ...]
    undecided: Mapping[str, int]
    undecided_examples: tuple[str, ...]
    automatic: AutomaticChange
    reviews: ReviewChange
    error: LabelledChange
    cost: LabelledChange | None
    measures: tuple[MeasureChange, ...]
    """The measures that are computed; `values` are those that other systems report."""
    values: tuple[ValueChange, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        written = asdict(self)
        written["asked"] |= {"since": self.asked.since.isoformat(), "until": self.asked.until.isoformat()}
        return written


Rehearse: TypeAlias = Callable[[ReplayQuestion], ReplayReport]
"""A function that answers a question about few decisions in this process. It blocks, for a bounded time.

Raises ReplayBusy, and the errors of the candidate.
"""


def report_of(
    tally: ReplayTally,
    asked: ReplayScope,
    minutes: ReviewMinutes,
    *,
    costs: bool,
    measures: tuple[MeasureChange, ...] = (),
    values: tuple[ValueChange, ...] = (),
) -> ReplayReport:
    """Make the report of a tally. `costs` tells whether the automation bounds costs."""
    compared = tally.moves.total()
    automatic = sum(n for move, n in tally.moves.items() if move.outcome != REVIEW)
    to_automatic = sum(n for move, n in tally.moves.items() if move.to_outcome != REVIEW)
    labels = tally.labels
    return ReplayReport(
        asked=asked,
        decisions=tally.decisions,
        compared=compared,
        identical=tally.identical,
        flipped=sum(n for move, n in tally.moves.items() if move.flips),
        flips=_flips(tally, compared),
        rules=tuple(_rule(move, n, tally) for move, n in tally.moves.most_common() if move.moves)[:SHOWN],
        reasons=tuple(
            ReasonChange(reason, tally.gained[reason], tally.lost[reason], _ids(tally.reason_examples.get(reason, ())))
            for reason, _ in (tally.gained + tally.lost).most_common(SHOWN)
        ),
        segments=_segments(tally),
        undecided=dict(tally.undecided.most_common()),
        undecided_examples=tuple(map(str, tally.undecided_examples)),
        automatic=AutomaticChange(automatic, to_automatic, _part(automatic, compared), _part(to_automatic, compared)),
        reviews=_reviews(compared - automatic, compared - to_automatic, minutes),
        error=_labelled(labels.before.errors, labels.after.errors, labels.errors, labels, rate=True),
        cost=_labelled(labels.before.costs, labels.after.costs, labels.costs, labels, rate=False) if costs else None,
        measures=measures,
        values=values,
    )


def _reviews(before: int, after: int, minutes: ReviewMinutes) -> ReviewChange:
    spent = None if minutes.each is None else (after - before) * minutes.each
    return ReviewChange(before, after, minutes.each, minutes.source, spent)


def _flips(tally: ReplayTally, compared: int) -> tuple[OutcomeFlip, ...]:
    found: Counter[tuple[str, str]] = Counter()
    examples: dict[tuple[str, str], list[str]] = {}
    for move, count in tally.moves.most_common():
        if move.flips:
            pair = (move.outcome, move.to_outcome)
            found[pair] += count
            examples.setdefault(pair, []).extend(map(str, tally.examples.get(move, ())))
    return tuple(
        OutcomeFlip(*pair, count, _part(count, compared), tuple(examples[pair][:EXAMPLES]))
        for pair, count in found.most_common()
    )


def _rule(move: ReplayMove, count: int, tally: ReplayTally) -> RuleMove:
    examples = _ids(tally.examples.get(move, ()))
    return RuleMove(move.outcome, move.rule, move.to_outcome, move.to_rule, count, examples)


def _ids(some: Sequence[UUID]) -> tuple[str, ...]:
    return tuple(map(str, some))


def _segments(tally: ReplayTally) -> tuple[SegmentChange, ...]:
    """Return the segments with flips, the most flips first. A field with a single value divides nothing."""
    found = [
        _segment(name, value, count, _ids(tally.segment_examples.get((name, value), ())))
        for name, segments in tally.segments.items()
        if len(segments) > 1
        for value, count in segments.items()
        if count.flips
    ]
    return tuple(sorted(found, key=lambda one: (-one.flips, one.field, one.value))[:SHOWN])


def _segment(name: str, value: Any, count: SegmentCount, examples: tuple[str, ...]) -> SegmentChange:
    shown = "missing" if value is None else str(value).lower() if isinstance(value, bool) else value
    automatic, to_automatic = (_part(n, count.decisions) for n in (count.automatic, count.to_automatic))
    return SegmentChange(name, shown, count.decisions, count.flips, automatic, to_automatic, examples)


def _labelled(
    before: WeightedSums, after: WeightedSums, apart: WeightedSums, labels: Any, *, rate: bool
) -> LabelledChange:
    estimate = weighted_share if rate else weighted_mean
    silent = _silence(after, labels.after.automatic, rate=rate)
    was = None if _silence(before, labels.before.automatic, rate=rate) else estimate(before)
    if silent is not None:
        return LabelledChange(was, None, None, silent)
    difference = weighted_mean(apart) if apart.nonzero >= LEAST_APART else None
    return LabelledChange(was, estimate(after), difference, None)


def _silence(sums: WeightedSums, automatic: int, *, rate: bool) -> str | None:
    """Return why labels do not support an estimate; None if they do."""
    if not automatic:
        return "no decision whose label is due would be automatic"
    if sums.n < LEAST_LABELS:
        of = f"{sums.n} of the {automatic:,} decisions that would be automatic"
        return f"{of} have a label, and {LEAST_LABELS} are needed"
    if sums.w < LEAST_SHARE * automatic:
        return (
            f"labels represent {sums.w / automatic:.0%} of the {automatic:,} decisions that would be automatic, and "
            f"{LEAST_SHARE:.0%} are needed: nobody checked the others"
        )
    if not rate and sums.nonzero < LEAST_APART:
        return f"{sums.nonzero} labels show a cost, and an interval needs {LEAST_APART}"
    return None


def _part(some: int, total: int) -> float:
    return some / total if total else 0.0
