"""Metrics of rollouts and experiments, read when they are scraped: shares of the traffic now, and how they ended."""

from collections.abc import Callable, Iterable

from andon import experiments, rollouts
from andon.kernel.db import Database, Tx
from andon.kernel.metrics import Metrics, Readings


def watch_trials(metrics: Metrics, database: Database) -> None:
    """Show the traffic that rollouts and experiments give to their arms, and count how they ended."""

    def reading(read: Callable[[Tx], Readings]) -> Callable[[], Readings]:
        def readings() -> Readings:
            with database.begin() as tx:
                found = list(read(tx))
            yield from found

        return readings

    def ended(counts: Callable[[Tx], Iterable[tuple[str, str, int]]]) -> Callable[[], Readings]:
        return reading(lambda tx: (((name, state), float(count)) for name, state, count in counts(tx)))

    metrics.gauges_of(
        "andon_rollout_share",
        "Percentage of the traffic that each running rollout gives to its candidate.",
        reading(_of_candidates),
        labels=("automation", "arm", "state"),
    )
    metrics.counts_of(
        "andon_rollouts_ended_total",
        "Ended rollouts, by how they ended: promoted, completed, aborted or rolled_back.",
        ended(rollouts.ended_counts),
        labels=("automation", "state"),
    )
    metrics.gauges_of(
        "andon_experiment_share",
        "Percentage of the traffic that each running experiment gives to each of its arms.",
        reading(_of_arms),
        labels=("automation", "arm"),
    )
    metrics.counts_of(
        "andon_experiments_ended_total",
        "Ended experiments, by how they ended: decided (adopted or not), undecided or stopped.",
        ended(experiments.ended_outcomes),
        labels=("automation", "outcome"),
    )


def _of_candidates(tx: Tx) -> Readings:
    for one in rollouts.open_rollouts(tx):
        yield (one.automation, one.arm, one.state.value), one.at.share if one.is_watched else 0.0


def _of_arms(tx: Tx) -> Readings:
    for one in experiments.running_experiments(tx):
        for arm, share in zip(one.arm_names, one.shares, strict=True):
            yield (one.automation, arm), share
