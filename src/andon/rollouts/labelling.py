"""Labels and reports about decisions in a rollout: noted in the transaction that adds them, counted by the watcher."""

from andon.kernel.events import Events
from andon.rollouts import store
from andon.trials import subscribe_late


def subscribe(events: Events) -> None:
    """Note decisions with new labels or reports, for the rollouts that are under way."""
    subscribe_late(events, store.note_labels)
