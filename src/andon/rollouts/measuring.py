"""Measuring: a decision's business measures in a rollout, computed from it or reported by another system."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from andon.decisions import FeedItem
from andon.kernel.db import Tx
from andon.rollouts.evidence import FIRST, GuardrailEvent, PlacedDecision
from andon.trials import DeclaredMeasures


def computed(
    known: DeclaredMeasures, tx: Tx, item: FeedItem, of: PlacedDecision, wanted: Sequence[str], label: str | None
) -> list[GuardrailEvent]:
    """Return the computed values: without a label, those that read none; with a label, the others."""
    found = []
    for measure in known.of(tx, item).measures if wanted else ():
        reads_label = "label" in measure.reads
        if measure.name in wanted and measure.value is not None and reads_label == (label is not None):
            once = measure.name if reads_label else FIRST
            found.append(GuardrailEvent(measure.name, once, of, known.computed(tx, item, measure, label)))
    return found


def reported(
    reports: Mapping[tuple[UUID, str], float], of: PlacedDecision, wanted: Sequence[str]
) -> list[GuardrailEvent]:
    """Return the values that other systems report about a decision, by their guardrails."""
    return [GuardrailEvent(name, name, of, reports[of.id, name]) for name in wanted if (of.id, name) in reports]
