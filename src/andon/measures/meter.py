"""The meter, a tally of committed decisions, keeps the sums of business measures: a kill loses and doubles nothing.

A value that may change is kept with its decision. A sum changes by the difference to the kept value, so a decision can
be measured again at any time: when a label or a report arrives, and when its truth matures.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import groupby
from uuid import UUID

from andon import decisions, labels
from andon.authoring import Truth
from andon.decisions import DecisionBatch
from andon.kernel.db import Tx
from andon.kernel.events import Events
from andon.measures import store
from andon.measures.domain import Cell, DeclaredMeasure
from andon.measures.measured import MeasuredDecision, MeasureSet

PART = "measures"
"""The part of an automation's description that declares measures."""

GROUP = 500
"""Decisions that are measured again together."""

GROUPS_AT_ONCE = 4


class Meter:
    """The tally of committed decisions that keeps the sums. Each worker has one; one worker at a time does the work."""

    name = "measures"

    def __init__(self) -> None:
        self._sets: dict[tuple[str, int], MeasureSet] = {}

    def count(self, tx: Tx, batch: DecisionBatch, now: datetime) -> None:
        """Measure new decisions of versions that declare measures."""
        step, wanted = _Step(tx, now), defaultdict[tuple[str, int], list[bytes]](list)
        for group in batch.groups:
            wanted[group.automation, group.automation_version] += group.keys
        for of, keys in wanted.items():
            declared = self._set_of(tx, *of)
            if declared.measures:
                store.hold(tx)
                step.count([declared.measured(item) for item in batch.items(keys)])
        step.write()

    def work(self, tx: Tx, now: datetime) -> bool:
        """Measure decisions again that are due. Return whether there may be more."""
        store.hold(tx)
        step = _Step(tx, now)
        groups = store.take_due(tx, now, GROUPS_AT_ONCE)
        wanted = list[MeasuredDecision]()
        again = list(dict.fromkeys(decision_id for group in groups for decision_id in group))
        for item in decisions.items_of(tx, again):
            line = item.read().line
            wanted.append(self._set_of(tx, line.automation, line.automation_version).measured(item))
        step.recount(wanted)
        step.write()
        return len(groups) == GROUPS_AT_ONCE

    def _set_of(self, tx: Tx, automation: str, version: int) -> MeasureSet:
        key = automation, version
        if key not in self._sets:
            self._sets[key] = MeasureSet(decisions.version(tx, *key))
        return self._sets[key]


class _Step:
    """The additions of one transaction."""

    def __init__(self, tx: Tx, now: datetime) -> None:
        self._tx, self._now = tx, now
        self._sums: dict[Cell, tuple[int, int, Decimal]] = defaultdict(lambda: (0, 0, Decimal(0)))
        self._truths: dict[str, Truth | None] = {}

    def count(self, taken: Sequence[MeasuredDecision]) -> None:
        """Count decisions for the first time. Measures that cannot change are final."""
        for decision in taken:
            facts = decision.facts()
            for measure in decision.measures.measures:
                value = None if measure.may_change else measure.compute(facts)
                self._add(decision.cell(measure), 1, int(value is not None), value or Decimal(0))
        self.recount(taken)
        for due_at, ids in self._maturing(taken):
            _recount_at(self._tx, due_at, ids)

    def recount(self, wanted: Sequence[MeasuredDecision]) -> None:
        """Measure decisions again, as far as their values may have changed."""
        changing = [decision for decision in wanted if decision.measures.changing]
        if not changing:
            return
        ids = [decision.id for decision in changing]
        before = store.values_of(self._tx, ids)
        reported = store.standing_reports(self._tx, ids)
        said = labels.of_decisions(self._tx, [one.id for one in changing if one.measures.reads_label])
        changed: dict[store.Key, Decimal | None] = {}
        for decision in changing:
            label = self._label(decision, said.get(decision.id, ()))
            for measure in decision.measures.changing:
                key = decision.id, measure.name
                report = reported.get(key)
                after = (
                    (None if report is None else report[0])
                    if measure.value is None
                    else _value(decision, measure, label)
                )
                old = before.get(key)
                if after != old:
                    changed[key] = after
                    counted = int(after is not None) - int(old is not None)
                    self._add(decision.cell(measure), 0, counted, (after or Decimal(0)) - (old or Decimal(0)))
        store.keep(self._tx, changed)

    def write(self) -> None:
        """Write what was added."""
        store.add(self._tx, self._sums)

    def _add(self, cell: Cell, decided: int, counted: int, total: Decimal) -> None:
        so_far = self._sums[cell]
        self._sums[cell] = so_far[0] + decided, so_far[1] + counted, so_far[2] + total

    def _truth(self, automation: str) -> Truth | None:
        if automation not in self._truths:
            self._truths[automation] = decisions.truth_of(self._tx, automation)
        return self._truths[automation]

    def _label(self, decision: MeasuredDecision, said: Sequence[labels.Label]) -> str | None:
        if not decision.measures.reads_label:
            return None
        record = decision.record
        truth, outcome = self._truth(record.line.automation), record.policy.outcome
        valid = labels.valid_label(said, truth, outcome=outcome, decided_at=record.decided_at, moment=self._now)
        return None if valid is None else valid.value

    def _maturing(self, taken: Sequence[MeasuredDecision]) -> Iterator[tuple[datetime, list[UUID]]]:
        """Yield moments with the decisions whose class will be assumed then, if nothing is reported."""
        waiting = []
        for decision in taken:
            record = decision.record
            if decision.measures.reads_label:
                truth = self._truth(record.line.automation)
                if (
                    truth is None
                    or truth.unreported is None
                    or truth.outcomes.get(record.policy.outcome) != truth.unreported
                ):
                    continue
                at = labels.matures_at(truth, record.decided_at)
                if at > self._now:
                    waiting.append((at.replace(second=0, microsecond=0) + timedelta(minutes=1), decision.id))
        for due_at, group in groupby(sorted(waiting), key=lambda one: one[0]):
            yield due_at, [decision_id for _, decision_id in group]


def subscribe(events: Events) -> None:
    """From now on, have decisions measured again when one of their labels is recorded or corrected."""
    events.subscribe(labels.LabelRecorded, _relabelled)
    events.subscribe(labels.LabelCorrected, _relabelled)
    events.subscribe(labels.LabelsImported, _imported)


def _relabelled(tx: Tx, event: labels.LabelRecorded | labels.LabelCorrected) -> None:
    if event.automation in decisions.declaring(tx, PART):
        _recount_at(tx, event.at, [event.decision_id])


def _imported(tx: Tx, event: labels.LabelsImported) -> None:
    if event.automation in decisions.declaring(tx, PART):
        _recount_at(tx, event.at, labels.decisions_between(tx, event.automation, event.first, event.last))


def _recount_at(tx: Tx, due_at: datetime, ids: Sequence[UUID]) -> None:
    for begin in range(0, len(ids), GROUP):
        store.recount_at(tx, due_at, ids[begin : begin + GROUP])


def _value(decision: MeasuredDecision, measure: DeclaredMeasure, label: str | None) -> Decimal | None:
    return None if label is None else measure.compute(decision.facts(label))
