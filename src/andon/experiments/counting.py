"""Counting: decisions and labels of an experiment become values of its arms, in the transaction that takes them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from msgspec import Struct

from andon import decisions, serving
from andon.decisions import Feed, FeedItem
from andon.experiments import store
from andon.experiments.domain import Experiment
from andon.experiments.evidence import (
    FIRST,
    AllocatedDecision,
    ArmValue,
    drawn_decision,
    first_of_each,
    value_of_case,
)
from andon.experiments.measuring import MeasureReader
from andon.kernel.db import Tx
from andon.serving import TrafficSplit
from andon.trials import CaseStanding

AT_ONCE: Final = 2_000
"""Decisions of the feed in one transaction."""

LABELS_AT_ONCE: Final = 500


class TakenValues(Struct, frozen=True):
    """The result of one look: decisions of each arm, the values that count, and whether there may be more."""

    decisions: Mapping[int, int]
    values: Sequence[ArmValue]
    more: bool


class ExperimentCounter:
    """Counts for one experiment. A worker's object keeps the feed's place in memory; the counts are in the database."""

    def __init__(self, experiment: Experiment) -> None:
        self._feed = Feed(experiment.consumer, automations=[experiment.automation])
        self._splits: Mapping[int, TrafficSplit] = {}
        self._reader = MeasureReader(experiment.measure)

    def take(self, tx: Tx, experiment: Experiment, cases: CaseStanding, now: datetime) -> TakenValues:
        """Take what is new: each unit once in each list. Raises ConsumerBusy."""
        if experiment.split not in self._splits:
            made = serving.split_history(tx, experiment.automation)
            self._splits = {one.number: one for one in made if one.salt == experiment.salt}
        taken = self._feed.take(tx, AT_ONCE)
        records = [(item, item.read()) for item in taken.items]
        cases.note_draws([record for _, record in records], decisions.truth_of(tx, experiment.automation))
        counts: dict[int, int] = {}
        values: list[ArmValue] = []
        for item, record in records:
            of = drawn_decision(experiment, self._splits, item.id, record)
            if of is not None:
                counts[of.arm] = counts.get(of.arm, 0) + 1
                values += self._values(tx, experiment, item, of)
        late = self._cases(tx, experiment, cases) if experiment.counts_cases else self._labels(tx, experiment, now)
        fresh = _new(tx, experiment, values, alone=experiment.unit == "decision")
        fresh += _new(tx, experiment, late, alone=False)
        return TakenValues(counts, fresh, len(taken.items) >= AT_ONCE // 2 or len(late) >= LABELS_AT_ONCE // 2)

    def _values(self, tx: Tx, experiment: Experiment, item: FeedItem, of: AllocatedDecision) -> list[ArmValue]:
        if experiment.counts_cases:
            return []
        value = self._reader.at_once(tx, item)
        if not experiment.counts_events:
            return [ArmValue(FIRST, of, value)]
        happened = [ArmValue(experiment.measure, of, value)] if value else []
        return [ArmValue(FIRST, of, None), *happened]

    def _cases(self, tx: Tx, experiment: Experiment, standing: CaseStanding) -> list[ArmValue]:
        """Return what cases say that reached their age."""
        found = standing.next_cases(tx, experiment.automation, experiment.arm_names, LABELS_AT_ONCE)
        items = {item.id: item for item in decisions.items_of(tx, [one.decision_id for one in found])}
        values = []
        for one in (one for one in found if one.decision_id in items):
            of = drawn_decision(experiment, self._splits, one.decision_id, items[one.decision_id].read())
            values += [] if of is None else [value_of_case(one, of)]
        return values

    def _labels(self, tx: Tx, experiment: Experiment, now: datetime) -> list[ArmValue]:
        """Return what became known of decisions; labels that are not mature are looked at again when they are."""
        wanted = store.take_labels(tx, experiment.id, now, LABELS_AT_ONCE)
        if not wanted:
            return []
        items = {item.id: item for item in decisions.items_of(tx, wanted)}
        found, later = [], dict[UUID, datetime]()
        for one in self._reader.late(tx, experiment.automation, items, now):
            of = drawn_decision(experiment, self._splits, one.row.id, items[one.row.id].read())
            if of is None:
                continue
            if one.due is not None:
                later[one.row.id] = one.due
            if one.value is not None:
                found.append(ArmValue(experiment.measure, of, one.value))
        store.note_labels_again(tx, experiment.id, later)
        return found


def _new(tx: Tx, experiment: Experiment, values: Sequence[ArmValue], *, alone: bool) -> list[ArmValue]:
    """Keep the values of units that were not counted yet. Decisions that are units of their own come only once."""
    if alone or not values:
        return list(values)
    first = first_of_each(values)
    new = store.new_units(tx, experiment.id, [(one.once, one.of.unit) for one in first])
    return [one for one in first if (one.once, one.of.unit) in new]
