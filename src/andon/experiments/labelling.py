"""Labels and reports about decisions in an experiment: noted in the transaction that adds them, counted by the watcher."""

from andon.experiments import store
from andon.kernel.events import Events
from andon.trials import subscribe_late


def subscribe(events: Events) -> None:
    """Note of which decisions something became known, for the experiments that run."""
    subscribe_late(events, store.note_labels)
