"""Measuring: a decision's business measures in a rollout, computed from it or reported by another system."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from andon import decisions
from andon.decisions import FeedItem
from andon.kernel.db import Tx
from andon.measures import MeasureSet
from andon.rollouts.evidence import FIRST, GuardrailEvent, PlacedDecision


class DecisionMeasures:
    """The measures of each version of an automation, compiled once."""

    def __init__(self) -> None:
        self._sets: dict[int, MeasureSet] = {}

    def computed(
        self, tx: Tx, item: FeedItem, of: PlacedDecision, wanted: Sequence[str], label: str | None
    ) -> list[GuardrailEvent]:
        """Return the computed values: without a label, those that read none; with a label, the others."""
        if not wanted:
            return []
        known = self._of(tx, item)
        measured = known.measured(item)
        found = []
        for measure in known.measures:
            reads_label = "label" in measure.reads
            if measure.name not in wanted or measure.value is None or reads_label != (label is not None):
                continue
            value = measure.compute(measured.facts(label))
            once = measure.name if reads_label else FIRST
            found.append(GuardrailEvent(measure.name, once, of, 0.0 if value is None else float(value)))
        return found

    def _of(self, tx: Tx, item: FeedItem) -> MeasureSet:
        line = item.read().line
        if line.automation_version not in self._sets:
            version = decisions.version(tx, line.automation, line.automation_version)
            self._sets[line.automation_version] = MeasureSet(version)
        return self._sets[line.automation_version]


def reported(
    reports: Mapping[tuple[UUID, str], float], of: PlacedDecision, wanted: Sequence[str]
) -> list[GuardrailEvent]:
    """Return the values that other systems report about a decision, by their guardrails."""
    return [GuardrailEvent(name, name, of, reports[of.id, name]) for name in wanted if (of.id, name) in reports]
