"""The chore of workers for measures."""

from datetime import timedelta

from andon.kernel.chores import Chore
from andon.measures.meter import Meter


def chores() -> list[Chore]:
    """Keep the sums of business measures."""
    return [Chore("measure_decisions", timedelta(seconds=1), Meter().work, timedelta(seconds=10))]
