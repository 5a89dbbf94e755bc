"""Labels of decisions in an experiment: noted in the transaction that adds them, counted by the watcher."""

from andon import labels
from andon.experiments import store
from andon.kernel.db import Tx
from andon.kernel.events import Events
from andon.labels import LabelCorrected, LabelRecorded, LabelsImported


def subscribe(events: Events) -> None:
    """Note which decisions have new labels, for the experiments that run."""
    events.subscribe(LabelRecorded, _note)
    events.subscribe(LabelCorrected, _note)
    events.subscribe(LabelsImported, _note_import)


def _note(tx: Tx, one: LabelRecorded | LabelCorrected) -> None:
    store.note_labels(tx, one.automation, [one.decision_id], one.at)


def _note_import(tx: Tx, imported: LabelsImported) -> None:
    found = labels.decisions_between(tx, imported.automation, imported.first, imported.last)
    if found:
        store.note_labels(tx, imported.automation, found, imported.at)
