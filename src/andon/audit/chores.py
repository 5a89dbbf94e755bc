"""Chores of workers for the audit log."""

from datetime import datetime, timedelta

from andon.audit import service
from andon.audit.metrics import AuditMetrics
from andon.kernel.chores import Chore
from andon.kernel.db import Tx

LEASE = timedelta(seconds=15)


def chores(metrics: AuditMetrics, *, every: timedelta) -> list[Chore]:
    """Seal all chains."""

    def seal(tx: Tx, now: datetime) -> bool:
        if service.seal(tx, now) is not None:
            metrics.sealed.inc()
        return False

    return [Chore("seal", every, seal, LEASE)]
