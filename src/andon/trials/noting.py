"""Notes of decisions with a new label or report, made in the transaction that adds it."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from andon import labels, measures
from andon.kernel.db import Tx
from andon.kernel.events import Events
from andon.labels import LabelCorrected, LabelRecorded, LabelsImported
from andon.measures import MeasuresReported
from andon.trials import store


def subscribe(events: Events) -> None:
    """Note every decision whose label is recorded or corrected, or whose worth is reported, for trials under way."""

    def one(tx: Tx, label: LabelRecorded | LabelCorrected) -> None:
        store.note_late(tx, label.automation, [label.decision_id], label.at)

    def imported(tx: Tx, many: LabelsImported) -> None:
        _note(tx, many.automation, labels.decisions_between(tx, many.automation, many.first, many.last), many.at)

    def reported(tx: Tx, many: MeasuresReported) -> None:
        _note(tx, many.automation, measures.decisions_between(tx, many.automation, many.first, many.last), many.at)

    def _note(tx: Tx, automation: str, found: Sequence[UUID], at: datetime) -> None:
        if found:
            store.note_late(tx, automation, found, at)

    events.subscribe(LabelRecorded, one)
    events.subscribe(LabelCorrected, one)
    events.subscribe(LabelsImported, imported)
    events.subscribe(MeasuresReported, reported)
