"""Business measures as gauges that are read when they are scraped."""

from collections.abc import Callable

from andon import measures
from andon.kernel.db import Database
from andon.kernel.metrics import Metrics, Readings
from andon.measures import MeasureSum


def watch_measures(metrics: Metrics, database: Database) -> None:
    """Show the sum of each measure and the number of decisions in it, by model version."""

    def read(of: Callable[[MeasureSum], float]) -> Readings:
        with database.begin() as tx:
            for automation, one in measures.totals(tx):
                yield (automation, one.measure, one.unit, one.group["version"]), of(one)

    metrics.gauges_of(
        "andon_measure_sum",
        "Sum of a business measure over all decisions so far; it can fall when a label or a report is corrected.",
        lambda: read(lambda one: float(one.total)),
        labels=("automation", "measure", "unit", "version"),
    )
    metrics.gauges_of(
        "andon_measure_decisions",
        "Decisions with a value in that sum so far.",
        lambda: read(lambda one: one.counted),
        labels=("automation", "measure", "unit", "version"),
    )
