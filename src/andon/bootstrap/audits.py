"""Results of blind audits, as a counter that is read when it is scraped."""

from andon import reviews
from andon.kernel.db import Database
from andon.kernel.metrics import Metrics, Readings


def watch_audits(metrics: Metrics, database: Database) -> None:
    """Show how many blind verdicts agreed with the line and how many did not."""

    def decided() -> Readings:
        with database.begin() as tx:
            found = reviews.audit_counts(tx)
        for automation, counts in found.items():
            yield (automation, "agreed"), counts.agreed
            yield (automation, "disagreed"), counts.disagreed

    metrics.counts_of(
        "andon_blind_audits_total",
        "Blind audits with a verdict, by whether it agrees with the line; every worker shows those of the "
        "whole installation.",
        decided,
        labels=("automation", "result"),
    )
