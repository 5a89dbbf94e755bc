"""Measured decisions: one decision with the measures of its automation's version. Pure."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Any
from uuid import UUID

from andon.decisions import AutomationVersion, FeedItem, FeedRecord, Risk
from andon.measures.domain import Cell, DeclaredMeasure, segment_value
from andon.serving import Prediction


class MeasureSet:
    """The measures of one version of an automation."""

    def __init__(self, version: AutomationVersion) -> None:
        described = version.description
        self.measures: Sequence[DeclaredMeasure] = [DeclaredMeasure.of(one) for one in described.get("measures", ())]
        self.changing = [one for one in self.measures if one.may_change]
        self.reads_label = any("label" in one.reads for one in self.changing)
        self._reads = frozenset[str]().union(*(one.reads for one in self.measures))
        self._reads_input = any(one.by for one in self.measures) or any(n.startswith("input.") for n in self._reads)
        properties: Mapping[str, Any] = described["contract"].get("properties", {})
        self._defaults = {name: field["default"] for name, field in properties.items() if "default" in field}

    def measured(self, item: FeedItem) -> "MeasuredDecision":
        """Read a decision as far as these measures need it."""
        given = {**self._defaults, **item.input()} if self._reads_input else {}
        return MeasuredDecision(self, item.id, item.read(), given, self._reads)


class MeasuredDecision:
    """One decision, ready to be measured."""

    def __init__(
        self,
        measures: MeasureSet,
        decision_id: UUID,
        record: FeedRecord,
        given: Mapping[str, Any],
        reads: frozenset[str],
    ) -> None:
        self.id, self.measures, self.record = decision_id, measures, record
        self._given = given
        self._facts = {name: self._fact(name) for name in reads if name != "label"}

    def cell(self, measure: DeclaredMeasure) -> Cell:
        """Return the cell in which the decision counts: by the day of its event in UTC, its arm, and its segment."""
        line = self.record.line
        at = self.record.happened_at or self.record.asked_at
        segment = {field: segment_value(self._given.get(field)) for field in measure.by}
        return Cell(
            automation=line.automation,
            measure=measure.name,
            unit=measure.unit,
            day=at.astimezone(UTC).date(),
            arm=line.arm,
            segment=json.dumps(segment, sort_keys=True, ensure_ascii=False),
        )

    def facts(self, label: str | None = None) -> Mapping[str, Any]:
        """Return everything that the measures read, by name."""
        return {**self._facts, "label": label}

    def _fact(self, name: str) -> Any:
        record = self.record
        return fact_of(name, self._given, record.features, record.prediction, record.risk, record.policy.outcome)


def fact_of(
    name: str,
    given: Mapping[str, Any],
    features: Mapping[str, Any],
    prediction: Prediction | None,
    risk: Risk,
    outcome: str,
) -> Any:
    """Return the value of a measure's name in one decision; None if it is missing there."""
    root, _, key = name.partition(".")
    match root:
        case "input":
            return given.get(key)
        case "features":
            return features.get(key)
        case "prediction":
            return None if prediction is None else getattr(prediction, key)
        case "risk":
            return getattr(risk, key)
    return outcome
