"""Chores of workers for procedures."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from andon.kernel.chores import Chore
from andon.kernel.db import Tx
from andon.procedures import histories

if TYPE_CHECKING:
    from andon.procedures.conducting import Conductor

WAKING = timedelta(milliseconds=100)
STRANDED_EVERY = timedelta(minutes=1)


ENTERING = timedelta(seconds=10)
ENTERING_LEASE = timedelta(seconds=30)


def of_histories() -> list[Chore]:
    """Enter the histories of ended procedures in the audit log; any worker can, whatever code it has."""

    def enter_ended(tx: Tx, now: datetime) -> bool:
        return histories.enter_ended(tx, now) == histories.AT_ONCE

    return [Chore("enter_procedures", ENTERING, enter_ended, ENTERING_LEASE)]


def chores(conductor: "Conductor") -> list[Chore]:
    """Wake procedures whose delivery has ended; log those that wait for code that this worker lacks."""

    def wake_delivered(tx: Tx, now: datetime) -> bool:
        del now
        return conductor.wake_delivered(tx) > 0

    def tell_stranded(tx: Tx, now: datetime) -> bool:
        del now
        conductor.tell_stranded(tx)
        return False

    return [Chore("wake_delivered", WAKING, wake_delivered), Chore("tell_stranded", STRANDED_EVERY, tell_stranded)]
