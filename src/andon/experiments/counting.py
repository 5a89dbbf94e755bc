"""Counting: decisions and labels of an experiment become values of its arms, in the transaction that takes them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from msgspec import Struct

from andon import decisions, labels, serving
from andon.decisions import DecisionRow, Feed, FeedItem
from andon.experiments import store
from andon.experiments.domain import BUILT_IN, Experiment
from andon.experiments.evidence import (
    FIRST,
    AllocatedDecision,
    ArmValue,
    drawn_decision,
    first_of_each,
    value_at_once,
    value_of_label,
)
from andon.kernel.db import Tx
from andon.labels import LabelSource, matures_at
from andon.measures import MeasureSet
from andon.serving import TrafficSplit

AT_ONCE: Final = 2_000
"""Decisions of the feed in one transaction."""

LABELS_AT_ONCE: Final = 500


class TakenValues(Struct, frozen=True):
    """What one look found: decisions of each arm, the values that count, and whether there may be more."""

    decisions: Mapping[int, int]
    values: Sequence[ArmValue]
    more: bool


class MeasureReader:
    """Reads a measure of decisions: a built-in one, or a business measure of the version that decided."""

    def __init__(self, measure: str) -> None:
        self._measure = measure
        self._sets: dict[int, MeasureSet] = {}

    def at_once(self, tx: Tx, item: FeedItem) -> float | None:
        """Return what is known of a decision without a label; None if that is nothing."""
        if self._measure in BUILT_IN:
            return value_at_once(self._measure, item.read())
        return self._business(tx, item, None)

    def late(self, tx: Tx, item: FeedItem, row: DecisionRow, *, verdict: str | None, label: str | None) -> float | None:
        """Return what a label makes known; None if that is nothing."""
        if self._measure in BUILT_IN:
            return value_of_label(self._measure, row, verdict=verdict, label=label)
        return None if label is None else self._business(tx, item, label)

    def _business(self, tx: Tx, item: FeedItem, label: str | None) -> float | None:
        line = item.read().line
        if line.automation_version not in self._sets:
            version = decisions.version(tx, line.automation, line.automation_version)
            self._sets[line.automation_version] = MeasureSet(version)
        known = self._sets[line.automation_version]
        for measure in known.measures:
            if measure.name != self._measure or measure.value is None:
                continue
            if ("label" in measure.reads) == (label is not None):
                value = measure.compute(known.measured(item).facts(label))
                return 0.0 if value is None else float(value)
        return None


class ExperimentCounter:
    """Counts for one experiment. One object a worker keeps the feed's place in memory; what counts is in the database."""

    def __init__(self, experiment: Experiment) -> None:
        self._feed = Feed(experiment.consumer, automations=[experiment.automation])
        self._splits: Mapping[int, TrafficSplit] = {}
        self._reader = MeasureReader(experiment.measure)

    def take(self, tx: Tx, experiment: Experiment, now: datetime) -> TakenValues:
        """Take what is new: each unit once in each list. Raises ConsumerBusy."""
        if experiment.split not in self._splits:
            made = serving.split_history(tx, experiment.automation)
            self._splits = {one.number: one for one in made if one.salt == experiment.salt}
        taken = self._feed.take(tx, AT_ONCE)
        counts: dict[int, int] = {}
        values: list[ArmValue] = []
        for item in taken.items:
            of = drawn_decision(experiment, self._splits, item.id, item.read())
            if of is not None:
                counts[of.arm] = counts.get(of.arm, 0) + 1
                values += self._values(tx, experiment, item, of)
        late = self._labels(tx, experiment, now)
        fresh = _new(tx, experiment, values, alone=experiment.unit == "decision")
        fresh += _new(tx, experiment, late, alone=False)
        return TakenValues(counts, fresh, len(taken.items) >= AT_ONCE // 2 or len(late) >= LABELS_AT_ONCE // 2)

    def _values(self, tx: Tx, experiment: Experiment, item: FeedItem, of: AllocatedDecision) -> list[ArmValue]:
        value = self._reader.at_once(tx, item)
        if not experiment.counts_events:
            return [ArmValue(FIRST, of, value)]
        happened = [ArmValue(experiment.measure, of, value)] if value else []
        return [ArmValue(FIRST, of, None), *happened]

    def _labels(self, tx: Tx, experiment: Experiment, now: datetime) -> list[ArmValue]:
        """Return what labels say that changed; those that are not mature are looked at again when they are."""
        wanted = store.take_labels(tx, experiment.id, now, LABELS_AT_ONCE)
        if not wanted:
            return []
        items = {item.id: item for item in decisions.items_of(tx, wanted)}
        found, later = [], dict[UUID, datetime]()
        for row, verdict, label, due in labels_of(tx, experiment.automation, wanted, now):
            of = drawn_decision(experiment, self._splits, row.id, items[row.id].read())
            if of is None:
                continue
            if due is not None:
                later[row.id] = due
            value = self._reader.late(tx, items[row.id], row, verdict=verdict, label=label)
            if value is not None:
                found.append(ArmValue(experiment.measure, of, value))
        store.note_labels_again(tx, experiment.id, later)
        return found


def labels_of(
    tx: Tx, automation: str, ids: Sequence[UUID], now: datetime
) -> list[tuple[DecisionRow, str | None, str | None, datetime | None]]:
    """Return decisions with their reviewer's class, the mature class of other sources, and when an immature one is due."""
    rows = decisions.rows_of(tx, ids)
    valid, said = labels.valid_of(tx, list(rows.values()), now), labels.said_of(tx, ids)
    truth = decisions.truth_of(tx, automation)
    found = []
    for key, row in rows.items():
        verdicts = [one.value for one in said.get(key, ()) if one.source is LabelSource.REVIEW and one.value]
        known = valid.get(key)
        due = None if known is None or known.mature else matures_at(truth, row.decided_at)
        counts = known is not None and known.mature and known.source is not LabelSource.REVIEW
        label = known.value if known is not None and counts else None
        found.append((row, verdicts[-1] if verdicts else None, label, due))
    return found


def _new(tx: Tx, experiment: Experiment, values: Sequence[ArmValue], *, alone: bool) -> list[ArmValue]:
    """Keep the values of units that were not counted yet. Decisions that are units of their own come only once."""
    if alone or not values:
        return list(values)
    first = first_of_each(values)
    new = store.new_units(tx, experiment.id, [(one.once, one.of.unit) for one in first])
    return [one for one in first if (one.once, one.of.unit) in new]
