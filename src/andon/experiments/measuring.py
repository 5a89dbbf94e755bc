"""Values of an experiment's measure: from the decision itself, and later from labels and reports."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from andon import measures
from andon.decisions import FeedItem
from andon.experiments.domain import BUILT_IN
from andon.experiments.evidence import value_at_once, value_of_label
from andon.kernel.db import Tx
from andon.measures import DeclaredMeasure
from andon.trials import DeclaredMeasures, LateLabels


class MeasureReader:
    """Reads a measure of decisions: a built-in one, or a business measure of the version that decided."""

    def __init__(self, measure: str, known: DeclaredMeasures) -> None:
        self._measure, self._known = measure, known

    def at_once(self, tx: Tx, item: FeedItem) -> float | None:
        """Return what is known of a decision without a label or a report; None if that is nothing."""
        if self._measure in BUILT_IN:
            return value_at_once(self._measure, item.read())
        declared = self._declared(tx, item)
        if declared is None or declared.may_change:
            return None
        return self._known.computed(tx, item, declared, None)

    def late(self, tx: Tx, some: Sequence[tuple[LateLabels, FeedItem]]) -> Mapping[UUID, float | None]:
        """Return what labels and other systems say of decisions by now."""
        if self._measure in BUILT_IN:
            return {item.id: value_of_label(self._measure, one) for one, item in some}
        reported = measures.reported_of(tx, [item.id for _, item in some]) if some else {}
        return {item.id: self._became(tx, item, one.label, reported) for one, item in some}

    def _became(
        self, tx: Tx, item: FeedItem, label: str | None, reported: Mapping[tuple[UUID, str], float]
    ) -> float | None:
        """Return the value of a measure that is known late; None before it is, and where it was known at once."""
        declared = self._declared(tx, item)
        if declared is None or not declared.may_change:
            return None
        if declared.value is None:
            return reported.get((item.id, self._measure))
        return None if label is None else self._known.computed(tx, item, declared, label)

    def _declared(self, tx: Tx, item: FeedItem) -> DeclaredMeasure | None:
        """Return the measure as declared by the version that decided."""
        return next((one for one in self._known.of(tx, item).measures if one.name == self._measure), None)
