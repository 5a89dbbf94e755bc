"""The chore of workers that watches experiments."""

from datetime import timedelta

from andon.experiments.watching import ExperimentWatcher
from andon.kernel.chores import Chore
from andon.kernel.events import Events
from andon.kernel.lookout import REST_SECONDS

WATCH = "watch_experiments"

LEASE = timedelta(seconds=5)


def chores(events: Events) -> list[Chore]:
    """Watch the experiments that run. A lookout wakes it a few times a second while there are any."""
    return [Chore(WATCH, timedelta(seconds=REST_SECONDS), ExperimentWatcher(events).look, LEASE)]
