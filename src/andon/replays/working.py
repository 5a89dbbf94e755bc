"""The work of one process of a replay: it reads parts of the ledger, decides them again and counts the results."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from hashlib import blake2b
from typing import TypeAlias
from uuid import UUID

from andon import decisions, labels, measures
from andon.authoring import Automation, Truth
from andon.decisions import Judgement, RecordedDecision, RecordReader, ReplayBy
from andon.kernel.db import Database
from andon.labels import ValidLabel
from andon.replays.domain import ReplayPart
from andon.replays.drawn import AS_DECIDED, DrawnDecision, DrawnSide
from andon.replays.labelling import label_sums
from andon.replays.measuring import ComputedMeasures, MeasuredCase
from andon.replays.moves import SegmentFields
from andon.replays.propensities import SplitArms
from andon.replays.recomputing import Recomputing
from andon.replays.rewards import RewardMeasure
from andon.replays.tallying import ReplayTally

ByOf: TypeAlias = Callable[[RecordedDecision], ReplayBy]
"""A function that gives the versions which decide a recorded decision again."""


@dataclass(frozen=True, slots=True)
class ReplayWork:
    """Everything that a process needs to decide again.

    `before` decides the other side; if it is None, that is the recorded decisions. `lacking` names features to compute.
    """

    automation: Automation
    by_of: ByOf
    before: ReplayBy | None
    lacking: frozenset[str]
    fields: SegmentFields
    truth: Truth | None
    now: datetime
    measures: ComputedMeasures | None = None
    rewards: tuple[RewardMeasure, ...] = ()
    arms: SplitArms | None = None


class ReplayWorker:
    """A worker that tallies parts of the ledger, one after the other."""

    def __init__(self, database: Database, work: ReplayWork) -> None:
        self._database = database
        self._work = work
        self._reader = RecordReader()
        self._too_many: set[str] = set()

    def tally(self, part: ReplayPart) -> ReplayTally:
        """Tally one part."""
        work, tally = self._work, ReplayTally(self._work.fields, too_many=set(self._too_many))
        recomputing = Recomputing(work.automation, work.lacking) if work.lacking else None
        for first, end in zip(part.cuts, part.cuts[1:], strict=False):
            with self._database.begin() as tx:
                raw = decisions.recorded_between(tx, work.automation.name, first, end)
                known = labels.labelled_between(tx, work.automation.name, first, end) if first >= part.begins else {}
            records = [self._reader.read(one) for one in raw]
            if not records:
                continue
            seen = None
            if recomputing is not None:
                seen = recomputing.seen(records, work.by_of(records[0]).read(records))
            if first >= part.begins:
                self._add(tally, decisions.again(records, work.by_of, work.now, seen), known)
        self._too_many |= tally.too_many
        return tally

    def _add(
        self,
        tally: ReplayTally,
        made: decisions.MadeAgain,
        known: dict[UUID, list[labels.Label]],
    ) -> None:
        for record, reason in made.undecided:
            tally.add_undecided(record.id, reason)
        before = self._before(made)
        tally.add(lambda number: made.records[number].id, made.inputs, before, made.judgements)
        self._add_labelled(tally, made, before, known)
        if self._work.arms is not None and self._work.rewards:
            self._add_drawn(tally, made, before, self._work.arms)

    def _before(self, made: decisions.MadeAgain) -> Sequence[Judgement]:
        before = self._work.before
        if before is None:
            return [one.judgement for one in made.records]
        return before.judge_all(made.records, made.inputs, made.seen, self._work.now)

    def _add_labelled(
        self,
        tally: ReplayTally,
        made: decisions.MadeAgain,
        before: Sequence[Judgement],
        known: dict[UUID, list[labels.Label]],
    ) -> None:
        """Add errors and costs of the decisions whose labels are due, and the measures that are computed."""
        truth, now = self._work.truth, self._work.now
        due = [labels.matures_at(truth, record.decided_at) <= now for record in made.records]
        valid = partial(_valid_label, known, truth, now)
        found = [valid(record) if is_due else None for record, is_due in zip(made.records, due, strict=True)]
        pairs = zip(before, made.judgements, found, strict=True)
        mature = [one for one, is_due in zip(pairs, due, strict=True) if is_due]
        tally.labels = tally.labels + label_sums(mature, self._work.automation.risk)
        if self._work.measures is not None:
            seen = [one.features for one in made.seen]
            then = [one.features for one in made.records] if self._work.before is None else seen
            features, judgements = zip(then, seen, strict=True), zip(before, made.judgements, strict=True)
            cases = map(MeasuredCase, made.inputs, features, judgements, due, found)
            tally.add_measures(self._work.measures.sums(cases))

    def _add_drawn(
        self, tally: ReplayTally, made: decisions.MadeAgain, before: Sequence[Judgement], arms: SplitArms
    ) -> None:
        """Add the decisions that a split drew, for estimates of reported measures."""
        propensities = arms.propensities(made, self._work.now)
        with self._database.begin() as tx:
            reported = measures.reported_of(tx, [made.records[place].id for place in propensities])
        subject = self._work.automation.subject
        for place, shares in propensities.items():
            record, outcome = made.records[place], made.judgements[place].ruling.outcome
            unit = record.key if subject is None else str(made.inputs[place].get(subject) or record.key)
            then = AS_DECIDED
            if self._work.before is not None:
                then = _drawn_side(record, before[place].ruling.outcome, shares)
            tally.drawn.append(
                DrawnDecision(
                    order=record.id.int,
                    unit=int.from_bytes(blake2b(unit.encode(), digest_size=8).digest()),
                    before=then,
                    after=_drawn_side(record, outcome, shares),
                    values=tuple(reported.get((record.id, one.name)) for one in self._work.rewards),
                )
            )


def _drawn_side(record: RecordedDecision, outcome: str, shares: Mapping[str, float]) -> DrawnSide:
    return DrawnSide(record.policy.outcome == outcome, shares.get(outcome, 0.0))


def _valid_label(
    known: dict[UUID, list[labels.Label]], truth: Truth | None, now: datetime, record: RecordedDecision
) -> ValidLabel | None:
    own = known.get(record.id, ())
    if not own and (truth is None or truth.unreported is None):
        return None
    return labels.valid_label(own, truth, outcome=record.policy.outcome, decided_at=record.decided_at, moment=now)
