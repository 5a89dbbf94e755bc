"""The chore of workers that watches experiments."""

from andon.experiments.watching import ExperimentWatcher
from andon.kernel.chores import Chore
from andon.kernel.events import Events
from andon.trials import watching

WATCH = "watch_experiments"


def chores(events: Events) -> list[Chore]:
    """Watch the experiments that run."""
    return [watching(WATCH, ExperimentWatcher(events))]
