"""Chores of workers for reviews."""

from datetime import datetime, timedelta

from andon.kernel.chores import Chore
from andon.kernel.db import Tx
from andon.kernel.lookout import REST_SECONDS
from andon.reviews import service
from andon.reviews.metrics import ReviewMetrics

OPEN = "open_reviews"


def chores(metrics: ReviewMetrics) -> list[Chore]:
    """Return the chore that opens due reviews; it repeats immediately only after a full batch.

    A transaction for each handful of reviews would slow a stream down.
    """

    def open_reviews(tx: Tx, now: datetime) -> bool:
        opened = service.open_due(tx, now=now)
        metrics.opened.inc(opened)
        return opened == service.OPENED_AT_ONCE

    return [Chore(OPEN, timedelta(seconds=REST_SECONDS), open_reviews)]
