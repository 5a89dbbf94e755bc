"""Counting of a trial: what a worker takes in one transaction of decisions, cases, labels and reports."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, Generic, Protocol, TypeVar
from uuid import UUID

from andon import decisions, evidence, serving
from andon.decisions import Feed, FeedItem, FeedRecord
from andon.evidence import AgedCase
from andon.kernel.db import Tx
from andon.measures import DeclaredMeasure, MeasureSet
from andon.serving import Chosen, TrafficSplit
from andon.trials import store
from andon.trials.cases import CaseStanding
from andon.trials.domain import TrafficTrial
from andon.trials.labelled import LateLabels, labelled
from andon.trials.store import One

AT_ONCE: Final = 2_000
"""The most decisions of the feed in one transaction."""

LATE_AT_ONCE: Final = 500
"""The most decisions with new labels, and the most cases."""


class DrawnUnit(Protocol):
    """A decision that a trial's split has drawn, with its unit."""

    @property
    def id(self) -> UUID: ...
    @property
    def unit(self) -> bytes: ...


class CountedOnce(Protocol):
    """One value of a decision. `once` names the list in which each unit occurs once."""

    @property
    def once(self) -> str: ...
    @property
    def of(self) -> DrawnUnit: ...


Value = TypeVar("Value", bound=CountedOnce)


class DeclaredMeasures:
    """The measures of each version of an automation, compiled once."""

    def __init__(self) -> None:
        self._sets: dict[int, MeasureSet] = {}

    def of(self, tx: Tx, item: FeedItem) -> MeasureSet:
        """Return the measures of the version that decided."""
        line = item.read().line
        if line.automation_version not in self._sets:
            version = decisions.version(tx, line.automation, line.automation_version)
            self._sets[line.automation_version] = MeasureSet(version)
        return self._sets[line.automation_version]

    def computed(self, tx: Tx, item: FeedItem, declared: DeclaredMeasure, label: str | None) -> float:
        """Return the value of a measure that is computed; 0 where it has none."""
        value = declared.compute(self.of(tx, item).measured(item).facts(label))
        return 0.0 if value is None else float(value)


class TrialCounter(Generic[One]):
    """Counts for one trial. A worker's object keeps the feed's place in memory; the counts are in the database."""

    def __init__(self, trial: One) -> None:
        self._feed = Feed(trial.consumer, automations=[trial.automation])
        self._splits: Mapping[int, TrafficSplit] = {}
        self._measures = DeclaredMeasures()

    def _decided(self, tx: Tx, trial: One, cases: CaseStanding) -> list[tuple[FeedItem, FeedRecord]]:
        """Return the next decisions of the automation. Raises ConsumerBusy."""
        if trial.split not in self._splits:
            made = serving.split_history(tx, trial.automation)
            self._splits = {one.number: one for one in made if one.salt == trial.salt}
        found = [(item, item.read()) for item in self._feed.take(tx, AT_ONCE).items]
        cases.note_draws([record for _, record in found], evidence.silent_truth_of(tx, trial.automation))
        return found

    def _aged(self, tx: Tx, trial: One, cases: CaseStanding) -> list[tuple[AgedCase, FeedRecord]]:
        """Return the next cases of the trial's arms, as far as they are kept, with their decisions."""
        found = cases.next_cases(tx, trial, LATE_AT_ONCE)
        items = {item.id: item for item in decisions.items_of(tx, [one.decision_id for one in found])}
        return [(one, items[one.decision_id].read()) for one in found if one.decision_id in items]

    def _late(self, tx: Tx, trial: One, now: datetime) -> list[tuple[LateLabels, FeedItem]]:
        """Return decisions with new labels or reports; immature labels are looked at again at maturity."""
        wanted = store.take_late(tx, trial.id, now, LATE_AT_ONCE)
        if not wanted:
            return []
        items = {item.id: item for item in decisions.items_of(tx, wanted)}
        found = labelled(tx, trial.automation, wanted, now)
        store.note_again(tx, trial.id, {one.row.id: one.due for one in found if one.due is not None})
        return [(one, items[one.row.id]) for one in found]


def split_of(trial: TrafficTrial, splits: Mapping[int, TrafficSplit], record: FeedRecord) -> TrafficSplit | None:
    """Return the split by which a trial has drawn a decision; None if it did not."""
    assignment = record.assignment
    if assignment is None or assignment.chosen is not Chosen.SPLIT or assignment.bucket is None:
        return None
    split = splits.get(assignment.split)
    return None if split is None or split.salt != trial.salt else split


def unit_of(trial: TrafficTrial, key: UUID, record: FeedRecord) -> bytes:
    """Return what a trial draws: the decision by itself, or its subject."""
    return key.bytes if trial.unit == "decision" or record.subject is None else bytes.fromhex(record.subject)


def first_of_each(values: Iterable[Value]) -> list[Value]:
    """Keep the values of the first decision of each unit in each list."""
    first: dict[tuple[str, bytes], UUID] = {}
    return [one for one in values if first.setdefault((one.once, one.of.unit), one.of.id) == one.of.id]


def counted_anew(tx: Tx, trial: TrafficTrial, at_once: Sequence[Value], late: Sequence[Value]) -> list[Value]:
    """Return the values of units that were not counted yet; a decision that is its own unit comes only once."""
    alone = trial.unit == "decision"
    first = first_of_each([*([] if alone else at_once), *late])
    new = store.new_units(tx, trial.id, [(one.once, one.of.unit) for one in first]) if first else set()
    return [*(at_once if alone else ()), *(one for one in first if (one.once, one.of.unit) in new)]
