"""The chore of workers for measures."""

from datetime import timedelta

from andon.kernel.chores import Chore
from andon.measures.meter import Meter


def chores(meter: Meter) -> list[Chore]:
    """Measure decisions again whose labels or reports changed. The stream of evidence hands `meter` the new ones."""
    return [Chore("measure_again", timedelta(seconds=1), meter.work, timedelta(seconds=10))]
