"""Metrics of experiments, read when they are scraped: the share of each arm now, and counts of ended experiments."""

from andon import experiments
from andon.kernel.db import Database
from andon.kernel.metrics import Metrics, Readings


def watch_experiments(metrics: Metrics, database: Database) -> None:
    """Show the traffic that experiments give to their arms, and count how they ended."""

    def shares() -> Readings:
        with database.begin() as tx:
            found = experiments.running_experiments(tx)
        for one in found:
            for arm, share in zip(one.arm_names, one.shares, strict=True):
                yield (one.automation, arm), share

    def ended() -> Readings:
        with database.begin() as tx:
            found = experiments.ended_outcomes(tx)
        for automation, outcome, count in found:
            yield (automation, outcome), float(count)

    metrics.gauges_of(
        "andon_experiment_share",
        "Percentage of the traffic that each running experiment gives to each of its arms.",
        shares,
        labels=("automation", "arm"),
    )
    metrics.counts_of(
        "andon_experiments_ended_total",
        "Ended experiments, by how they ended: decided (adopted or not), undecided or stopped.",
        ended,
        labels=("automation", "outcome"),
    )
