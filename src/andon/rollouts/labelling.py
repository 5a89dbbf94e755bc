"""Labels and reported measures of decisions in a rollout: noted in the transaction that adds them, counted by the watcher."""

from andon import labels, measures
from andon.kernel.db import Tx
from andon.kernel.events import Events
from andon.labels import LabelCorrected, LabelRecorded, LabelsImported
from andon.measures import MeasuresReported
from andon.rollouts import store


def subscribe(events: Events) -> None:
    """Note which decisions have new labels or reports, for the rollouts that are under way."""
    events.subscribe(LabelRecorded, _note)
    events.subscribe(LabelCorrected, _note)
    events.subscribe(LabelsImported, _note_import)
    events.subscribe(MeasuresReported, _note_reports)


def _note(tx: Tx, one: LabelRecorded | LabelCorrected) -> None:
    store.note_labels(tx, one.automation, [one.decision_id], one.at)


def _note_import(tx: Tx, imported: LabelsImported) -> None:
    found = labels.decisions_between(tx, imported.automation, imported.first, imported.last)
    if found:
        store.note_labels(tx, imported.automation, found, imported.at)


def _note_reports(tx: Tx, reported: MeasuresReported) -> None:
    found = measures.decisions_between(tx, reported.automation, reported.first, reported.last)
    store.note_labels(tx, reported.automation, found, reported.at)
