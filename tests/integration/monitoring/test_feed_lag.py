"""The gauge that shows how far behind each consumer of the feed is."""

from datetime import datetime, timedelta

from andon.bootstrap.feeds import watch_feeds
from andon.decisions import Feed
from andon.kernel.db import Database
from andon.kernel.metrics import Metrics
from feeding import AT, Writer, take_all


class MinuteLater:
    """A clock that stands still."""

    def now(self) -> datetime:
        return AT + timedelta(minutes=1)


def test_the_lag_is_the_age_of_the_oldest_decision_that_is_not_read(database: Database) -> None:
    writer = Writer(database)
    writer.record(1)
    take_all(database, Feed("late"))
    writer.record(1, at=AT + timedelta(seconds=30))
    writer.record(1, at=AT + timedelta(seconds=50))
    take_all(database, Feed("whole"))
    metrics = Metrics()
    watch_feeds(metrics, database, MinuteLater())
    shown = [line for line in metrics.text().decode().splitlines() if line.startswith("andon_feed_lag_seconds{")]
    assert shown == ['andon_feed_lag_seconds{consumer="late"} 30.0', 'andon_feed_lag_seconds{consumer="whole"} 0.0']
