"""The report of a replay as a value: what flips, how work and mistakes change, and why nothing is said where nothing can be. Pure."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, TypeAlias

from andon.policies import REVIEW
from andon.replays import weighted
from andon.replays.domain import ReplayQuestion
from andon.replays.tallying import ReplayMove, ReplayTally, SegmentCount
from andon.replays.weighted import LabelEstimate, WeightedSums

LEAST_LABELS = 30
LEAST_SHARE = 0.8
"""Labels have to speak for this much of what would be automatic."""

LEAST_APART = 5
"""Labelled decisions that have to differ before an interval of the difference is given."""

SHOWN = 50
"""Rules and segments in a report, at most."""


@dataclass(frozen=True, slots=True)
class ReviewMinutes:
    """The minutes that a review takes, and where that is known from; None if it is not."""

    each: float | None
    source: str


@dataclass(frozen=True, slots=True)
class ReplayScope:
    """What was replayed: whose decisions, between which moments, and the candidate in words, part by part."""

    automation: str
    since: datetime
    until: datetime
    before: str
    candidate: Mapping[str, str]
    stopped: str | None = None
    """Why not all of it was replayed; None if it was."""


@dataclass(frozen=True, slots=True)
class OutcomeFlip:
    """Decisions that came out one way and would come out another, with examples."""

    before: str
    after: str
    decisions: int
    share: float
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RuleMove:
    """Decisions that one rule made and another would make."""

    before: str
    rule_before: str
    after: str
    rule_after: str
    decisions: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReasonChange:
    """Decisions among those that move which would get a reason code, and which would lose it."""

    reason: str
    gained: int
    lost: int


@dataclass(frozen=True, slots=True)
class SegmentChange:
    """Decisions of one segment: how many flip, and the automatic shares."""

    field: str
    value: str
    decisions: int
    flips: int
    automatic_before: float
    automatic_after: float


@dataclass(frozen=True, slots=True)
class AutomaticChange:
    """Decisions that need no person: their number and share before and after."""

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
    """An error or a cost of automatic decisions on both sides, and the difference for each decision; `silent` says why not."""

    before: LabelEstimate | None
    after: LabelEstimate | None
    difference: LabelEstimate | None
    silent: str | None


@dataclass(frozen=True, slots=True)
class ValueChange:
    """What an estimate says of one measure under the candidate; `silent` says why it says nothing."""

    measure: str
    unit: str
    before: LabelEstimate | None
    after: LabelEstimate | None
    silent: str | None


@dataclass(frozen=True, slots=True)
class ReplayReport:
    """Everything that a replay found."""

    asked: ReplayScope
    decisions: int
    compared: int
    identical: int
    flipped: int
    """The decisions whose outcome is another."""
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
    values: tuple[ValueChange, ...]

    def as_json(self) -> dict[str, Any]:
        """The report as JSON values."""
        written = asdict(self)
        written["asked"] |= {"since": self.asked.since.isoformat(), "until": self.asked.until.isoformat()}
        return written


Rehearse: TypeAlias = Callable[[ReplayQuestion], ReplayReport]
"""Answers a question about few decisions in this process; blocks, for a bounded time. Raises ReplayBusy, and what is wrong with the candidate."""


def report_of(
    tally: ReplayTally, asked: ReplayScope, minutes: ReviewMinutes, *, costs: bool, values: tuple[ValueChange, ...] = ()
) -> ReplayReport:
    """Make the report of a tally. `costs` says that the automation bounds costs."""
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
            ReasonChange(reason, tally.gained[reason], tally.lost[reason])
            for reason, _ in (tally.gained + tally.lost).most_common(SHOWN)
        ),
        segments=_segments(tally),
        undecided=dict(tally.undecided.most_common()),
        undecided_examples=tuple(map(str, tally.undecided_examples)),
        automatic=AutomaticChange(automatic, to_automatic, _part(automatic, compared), _part(to_automatic, compared)),
        reviews=_reviews(compared - automatic, compared - to_automatic, minutes),
        error=_labelled(labels.before.errors, labels.after.errors, labels.errors, labels, rate=True),
        cost=_labelled(labels.before.costs, labels.after.costs, labels.costs, labels, rate=False) if costs else None,
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
        OutcomeFlip(*pair, count, _part(count, compared), tuple(examples[pair][:SHOWN_EXAMPLES]))
        for pair, count in found.most_common()
    )


SHOWN_EXAMPLES = 5


def _rule(move: ReplayMove, count: int, tally: ReplayTally) -> RuleMove:
    examples = tuple(map(str, tally.examples.get(move, ())))
    return RuleMove(move.outcome, move.rule, move.to_outcome, move.to_rule, count, examples)


def _segments(tally: ReplayTally) -> tuple[SegmentChange, ...]:
    """Those with flips, the most first; a field with a single value says nothing."""
    found = [
        _segment(name, value, count)
        for name, segments in tally.segments.items()
        if len(segments) > 1
        for value, count in segments.items()
        if count.flips
    ]
    return tuple(sorted(found, key=lambda one: (-one.flips, one.field, one.value))[:SHOWN])


def _segment(name: str, value: Any, count: SegmentCount) -> SegmentChange:
    shown = "missing" if value is None else str(value).lower() if isinstance(value, bool) else value
    automatic, to_automatic = (_part(n, count.decisions) for n in (count.automatic, count.to_automatic))
    return SegmentChange(name, shown, count.decisions, count.flips, automatic, to_automatic)


def _labelled(
    before: WeightedSums, after: WeightedSums, apart: WeightedSums, labels: Any, *, rate: bool
) -> LabelledChange:
    estimate = weighted.share if rate else weighted.mean
    silent = _silence(after, labels.after.automatic)
    was = None if _silence(before, labels.before.automatic) else estimate(before)
    if silent is not None:
        return LabelledChange(was, None, None, silent)
    difference = weighted.mean(apart) if apart.nonzero >= LEAST_APART else None
    return LabelledChange(was, estimate(after), difference, None)


def _silence(sums: WeightedSums, automatic: int) -> str | None:
    """Return why labels do not support an estimate; None if they do."""
    if not automatic:
        return "no decision whose label is due would be automatic"
    if sums.n < LEAST_LABELS:
        return f"{sums.n} of the {automatic:,} decisions that would be automatic have a label, and {LEAST_LABELS} are needed"
    if sums.w < LEAST_SHARE * automatic:
        return (
            f"labels speak for {sums.w / automatic:.0%} of the {automatic:,} decisions that would be automatic, and "
            f"{LEAST_SHARE:.0%} are needed: nobody looked at the others"
        )
    return None


def _part(some: int, total: int) -> float:
    return some / total if total else 0.0
