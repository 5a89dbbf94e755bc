"""Labels and reports about decisions in an experiment, noted in the transaction that adds them for the watcher."""

from andon.experiments import store
from andon.kernel.events import Events
from andon.trials import subscribe_late


def subscribe(events: Events) -> None:
    """Note decisions with new labels or reports, for the experiments that run."""
    subscribe_late(events, store.note_labels)
