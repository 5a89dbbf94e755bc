"""The list of processes that decide, and their reports."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from andon.kernel.db import Tx
from andon.live import store
from andon.live.domain import GONE_AFTER, Process

_FORGOTTEN_AFTER = timedelta(minutes=1)


def processes(tx: Tx, now: datetime) -> Sequence[Process]:
    """Return the live processes, gateways first."""
    return store.seen(tx, now - GONE_AFTER)


def report(tx: Tx, process: Process) -> None:
    """Write the status of a process, and forget processes that have been silent for long."""
    store.save(tx, process)
    store.drop_older(tx, process.seen_at - _FORGOTTEN_AFTER)


def leave(tx: Tx, process: UUID) -> None:
    """Remove a process that ends."""
    store.drop(tx, process)
