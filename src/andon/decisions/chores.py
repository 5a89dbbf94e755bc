"""Chores of workers for the ledger and the intake."""

from datetime import datetime, timedelta

from andon.decisions import service
from andon.kernel.chores import Chore
from andon.kernel.db import Tx

INTERVAL = timedelta(minutes=10)
LEASE = timedelta(minutes=2)


def chores(*, failed_kept: timedelta) -> list[Chore]:
    """Create the partitions of the next days; delete old keys, and requests that failed over `failed_kept` ago."""

    def plan_days(tx: Tx, now: datetime) -> bool:
        service.plan_days(tx, now)
        return False

    def forget_requests(tx: Tx, now: datetime) -> bool:
        service.keep_house(tx, now, failed_kept=failed_kept)
        return False

    return [Chore("plan_days", INTERVAL, plan_days, LEASE), Chore("forget_requests", INTERVAL, forget_requests, LEASE)]
