"""Business measures as gauges that are read when they are scraped."""

from andon import measures
from andon.kernel.db import Database
from andon.kernel.metrics import Metrics, Readings


def watch_measures(metrics: Metrics, database: Database) -> None:
    """Show the sum of each measure and the number of decisions in it, by model version."""

    def totals() -> Readings:
        with database.begin() as tx:
            for automation, version, one in measures.totals(tx):
                yield (automation, one.measure, one.unit, version), float(one.total)

    def counted() -> Readings:
        with database.begin() as tx:
            for automation, version, one in measures.totals(tx):
                yield (automation, one.measure, one.unit, version), one.counted

    metrics.gauges_of(
        "andon_measure_sum",
        "Sum of a business measure over all decisions so far; it can fall when a label or a report is corrected.",
        totals,
        labels=("automation", "measure", "unit", "version"),
    )
    metrics.gauges_of(
        "andon_measure_decisions",
        "Decisions with a value in that sum so far.",
        counted,
        labels=("automation", "measure", "unit", "version"),
    )
