"""The chore of workers that watches rollouts."""

from datetime import timedelta

from andon.kernel.chores import Chore
from andon.kernel.events import Events
from andon.kernel.lookout import REST_SECONDS
from andon.rollouts.watching import RolloutWatcher

WATCH = "watch_rollouts"

LEASE = timedelta(seconds=5)


def chores(events: Events) -> list[Chore]:
    """Watch the rollouts under way. A lookout wakes it a few times a second while there are any."""
    return [Chore(WATCH, timedelta(seconds=REST_SECONDS), RolloutWatcher(events).look, LEASE)]
