"""The metrics of chores."""

from andon.kernel.metrics import Metrics


class ChoreMetrics:
    """Counts the runs of a worker's chores, from zero. Any thread may write to it."""

    def __init__(self, metrics: Metrics) -> None:
        self.failures = metrics.counter(
            "andon_chores_failed_total",
            "Runs of a worker's own chore that failed with an unexpected error, which is in the log.",
            ("chore",),
        )
        self.runs = metrics.counter(
            "andon_chore_runs_total", "Runs of a worker's own chore that succeeded.", ("chore",)
        )
