"""Chores of workers for actions."""

from datetime import datetime, timedelta

from andon.actions import evidence
from andon.kernel.chores import Chore
from andon.kernel.db import Tx


def chores(*, pictures_kept: timedelta) -> list[Chore]:
    """Return the chore that removes old pictures of scripts."""

    def forget_pictures(tx: Tx, now: datetime) -> bool:
        return evidence.forget_pictures(tx, kept=pictures_kept, now=now)

    return [Chore("forget_pictures", timedelta(minutes=10), forget_pictures, timedelta(minutes=2))]
