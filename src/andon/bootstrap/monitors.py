"""The number of monitored series by state, as a gauge that is read at each scrape."""

from andon import monitors
from andon.kernel.db import Database
from andon.kernel.metrics import Metrics, Readings


def watch_monitors(metrics: Metrics, database: Database) -> None:
    """Show the series of each monitor by state."""

    def series() -> Readings:
        with database.begin() as tx:
            found = monitors.counts(tx)
        for automation, monitor, state, count in found:
            yield (automation, monitor, state), float(count)

    metrics.gauges_of(
        "andon_monitor_series",
        "Series that monitors watch, by their state: good, warning, critical or silent.",
        series,
        labels=("automation", "monitor", "state"),
    )
