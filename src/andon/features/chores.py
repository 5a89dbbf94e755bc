"""Chores of workers for features."""

from datetime import datetime, timedelta

from andon.features import store
from andon.features.breaches import forget_breaches as forget
from andon.kernel.chores import Chore
from andon.kernel.db import Tx

INTERVAL = timedelta(minutes=10)
LEASE = timedelta(minutes=2)


def chores() -> list[Chore]:
    """Forget old breaches; let window tiles grow wider, and delete those that no window reaches any more."""

    def forget_breaches(tx: Tx, now: datetime) -> bool:
        forget(tx, now)
        return False

    def prune_tiles(tx: Tx, now: datetime) -> bool:
        return store.prune(tx, now) == store.PRUNED_AT_ONCE

    return [
        Chore("forget_breaches", INTERVAL, forget_breaches, LEASE),
        Chore("prune_tiles", INTERVAL, prune_tiles, LEASE),
    ]
