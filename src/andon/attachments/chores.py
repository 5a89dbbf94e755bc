"""Chores of workers for attachments."""

from datetime import datetime, timedelta

from andon.attachments import service
from andon.kernel.chores import Chore
from andon.kernel.db import Tx


def chores(*, kept: timedelta) -> list[Chore]:
    """Return the chore that deletes expired attachments."""

    def forget_attachments(tx: Tx, now: datetime) -> bool:
        return service.forget(tx, now - kept)

    return [Chore("forget_attachments", timedelta(minutes=10), forget_attachments, timedelta(minutes=2))]
