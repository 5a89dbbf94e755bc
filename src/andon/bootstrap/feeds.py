"""The lag of the feed's consumers, as a gauge that is read at each scrape."""

from andon import decisions
from andon.kernel.clock import Clock
from andon.kernel.db import Database
from andon.kernel.metrics import Metrics, Readings


def watch_feeds(metrics: Metrics, database: Database, clock: Clock) -> None:
    """Show each consumer's lag."""

    def lags() -> Readings:
        with database.begin() as tx:
            found = decisions.oldest_unread(tx)
        now = clock.now()
        for consumer, at in found:
            yield (consumer,), 0.0 if at is None else max(0.0, (now - at).total_seconds())

    metrics.gauges_of(
        "andon_feed_lag_seconds",
        "Age of the oldest committed decisions that a consumer of the feed has not read; 0 if it has read all.",
        lags,
        labels=("consumer",),
    )
