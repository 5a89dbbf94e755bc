"""Values of an experiment's measure: from the decision itself, and later from labels and reports."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from andon import decisions, measures
from andon.decisions import DecisionRow, FeedItem
from andon.experiments.domain import BUILT_IN
from andon.experiments.evidence import value_at_once, value_of_label
from andon.kernel.db import Tx
from andon.measures import DeclaredMeasure, MeasureSet
from andon.trials import labelled


class LateValue(Struct, frozen=True, gc=False):
    """A late value of a decision, and when to look again if its label is not mature."""

    row: DecisionRow
    value: float | None
    due: datetime | None


class MeasureReader:
    """Reads a measure of decisions: a built-in one, or a business measure of the version that decided."""

    def __init__(self, measure: str) -> None:
        self._measure = measure
        self._sets: dict[int, MeasureSet] = {}

    def at_once(self, tx: Tx, item: FeedItem) -> float | None:
        """Return what is known of a decision without a label or a report; None if that is nothing."""
        if self._measure in BUILT_IN:
            return value_at_once(self._measure, item.read())
        declared = self._declared(tx, item)
        if declared is None or declared.may_change:
            return None
        return self._computed(item, declared, None)

    def late(self, tx: Tx, automation: str, items: Mapping[UUID, FeedItem], now: datetime) -> Sequence[LateValue]:
        """Return what labels and other systems say of decisions by now."""
        known = labelled(tx, automation, list(items), now)
        if self._measure in BUILT_IN:
            return [LateValue(one.row, value_of_label(self._measure, one), one.due) for one in known]
        reported = measures.reported_of(tx, list(items))
        return [LateValue(one.row, self._became(tx, items[one.row.id], one.label, reported), one.due) for one in known]

    def _became(
        self, tx: Tx, item: FeedItem, label: str | None, reported: Mapping[tuple[UUID, str], float]
    ) -> float | None:
        """Return the value of a measure that is known late; None before it is, and where it was known at once."""
        declared = self._declared(tx, item)
        if declared is None or not declared.may_change:
            return None
        if declared.value is None:
            return reported.get((item.id, self._measure))
        return None if label is None else self._computed(item, declared, label)

    def _declared(self, tx: Tx, item: FeedItem) -> DeclaredMeasure | None:
        """Return the measure as declared by the version that decided."""
        line = item.read().line
        if line.automation_version not in self._sets:
            version = decisions.version(tx, line.automation, line.automation_version)
            self._sets[line.automation_version] = MeasureSet(version)
        known = self._sets[line.automation_version].measures
        return next((one for one in known if one.name == self._measure), None)

    def _computed(self, item: FeedItem, declared: DeclaredMeasure, label: str | None) -> float:
        known = self._sets[item.read().line.automation_version]
        value = declared.compute(known.measured(item).facts(label))
        return 0.0 if value is None else float(value)
