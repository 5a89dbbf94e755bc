"""The chore of workers that watches rollouts."""

from andon.kernel.chores import Chore
from andon.kernel.events import Events
from andon.rollouts.watching import RolloutWatcher
from andon.trials import watching

WATCH = "watch_rollouts"


def chores(events: Events) -> list[Chore]:
    """Watch the rollouts under way."""
    return [watching(WATCH, RolloutWatcher(events))]
