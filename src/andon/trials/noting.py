"""Notes of decisions with a new label or report, made in the transaction that adds it."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from andon import labels, measures
from andon.kernel.db import Tx
from andon.kernel.events import Events
from andon.labels import LabelCorrected, LabelRecorded, LabelsImported
from andon.measures import MeasuresReported

Note: TypeAlias = Callable[[Tx, str, Sequence[UUID], datetime], None]
"""Notes decisions of an automation, to be looked at from a moment on."""


def subscribe_late(events: Events, note: Note) -> None:
    """Have every decision noted from now on whose label is recorded or corrected, or whose worth is reported."""

    def one(tx: Tx, label: LabelRecorded | LabelCorrected) -> None:
        note(tx, label.automation, [label.decision_id], label.at)

    def imported(tx: Tx, many: LabelsImported) -> None:
        _note(tx, many.automation, labels.decisions_between(tx, many.automation, many.first, many.last), many.at)

    def reported(tx: Tx, many: MeasuresReported) -> None:
        _note(tx, many.automation, measures.decisions_between(tx, many.automation, many.first, many.last), many.at)

    def _note(tx: Tx, automation: str, found: Sequence[UUID], at: datetime) -> None:
        if found:
            note(tx, automation, found, at)

    events.subscribe(LabelRecorded, one)
    events.subscribe(LabelCorrected, one)
    events.subscribe(LabelsImported, imported)
    events.subscribe(MeasuresReported, reported)
