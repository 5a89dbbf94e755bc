"""Chores of workers for reviews."""

from datetime import datetime, timedelta

from andon.kernel.chores import Chore
from andon.kernel.db import Tx
from andon.kernel.lookout import REST_SECONDS
from andon.reviews import service
from andon.reviews.metrics import ReviewMetrics

OPEN = "open_reviews"


def chores(metrics: ReviewMetrics) -> list[Chore]:
    """Open what is asked for; at once again only if there may be more, since a transaction for each handful costs a stream its pace."""

    def open_reviews(tx: Tx, now: datetime) -> bool:
        opened = service.open_due(tx, now=now)
        metrics.opened.inc(opened)
        return opened == service.OPENED_AT_ONCE

    return [Chore(OPEN, timedelta(seconds=REST_SECONDS), open_reviews)]
