"""Metrics of rollouts, read when they are scraped: the share of each candidate now, and counts of ended rollouts."""

from andon import rollouts
from andon.kernel.db import Database
from andon.kernel.metrics import Metrics, Readings


def watch_rollouts(metrics: Metrics, database: Database) -> None:
    """Show the traffic that rollouts give to candidates, and count how they ended."""

    def shares() -> Readings:
        with database.begin() as tx:
            found = rollouts.open_rollouts(tx)
        for one in found:
            yield (one.automation, one.arm, one.state.value), one.at.share if one.state.is_watched else 0.0

    def ended() -> Readings:
        with database.begin() as tx:
            found = rollouts.ended_counts(tx)
        for automation, state, count in found:
            yield (automation, state), float(count)

    metrics.gauges_of(
        "andon_rollout_share",
        "Percentage of the traffic that each running rollout gives to its candidate.",
        shares,
        labels=("automation", "arm", "state"),
    )
    metrics.counts_of(
        "andon_rollouts_ended_total",
        "Ended rollouts, by how they ended: promoted, completed, aborted or rolled_back.",
        ended,
        labels=("automation", "state"),
    )
