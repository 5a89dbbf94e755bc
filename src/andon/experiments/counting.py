"""Counting: decisions, cases and labels of an experiment become values of its arms, in one transaction."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from andon.decisions import FeedItem
from andon.experiments.domain import Experiment
from andon.experiments.evidence import FIRST, AllocatedDecision, ArmValue, drawn_decision, value_of_case
from andon.experiments.measuring import MeasureReader
from andon.kernel.db import Tx
from andon.trials import CaseStanding, TrialCounter, counted_anew
from andon.trials.counting import AT_ONCE, LATE_AT_ONCE


class TakenValues(Struct, frozen=True):
    """The result of one look: decisions of each arm, the values that count, and whether there may be more."""

    decisions: Mapping[int, int]
    values: Sequence[ArmValue]
    more: bool


class ExperimentCounter(TrialCounter[Experiment]):
    """Counts for one experiment."""

    def __init__(self, trial: Experiment) -> None:
        super().__init__(trial)
        self._reader = MeasureReader(trial.measure, self._measures)

    def take(self, tx: Tx, experiment: Experiment, cases: CaseStanding, now: datetime) -> TakenValues:
        """Take what is new: each unit once in each list. Raises ConsumerBusy."""
        counts: dict[int, int] = {}
        values: list[ArmValue] = []
        decided = self._decided(tx, experiment, cases)
        for item, record in decided:
            of = drawn_decision(experiment, self._splits, item.id, record)
            if of is not None:
                counts[of.arm] = counts.get(of.arm, 0) + 1
                values += self._values(tx, experiment, item, of)
        late = self._cases(tx, experiment, cases) if experiment.counts_cases else self._labels(tx, experiment, now)
        fresh = counted_anew(tx, experiment, values, late)
        return TakenValues(counts, fresh, len(decided) >= AT_ONCE // 2 or len(late) >= LATE_AT_ONCE // 2)

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
        found = [
            (one, drawn_decision(experiment, self._splits, one.decision_id, record))
            for one, record in self._aged(tx, experiment, standing)
        ]
        return [value_of_case(one, of) for one, of in found if of is not None]

    def _labels(self, tx: Tx, experiment: Experiment, now: datetime) -> list[ArmValue]:
        """Return what became known of decisions."""
        late = self._late(tx, experiment, now)
        known = self._reader.late(tx, late)
        found = []
        for _, item in late:
            of, value = drawn_decision(experiment, self._splits, item.id, item.read()), known[item.id]
            if of is not None and value is not None:
                found.append(ArmValue(experiment.measure, of, value))
        return found
