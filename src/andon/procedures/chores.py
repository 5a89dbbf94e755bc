"""Chores of workers for procedures, each for those whose code the worker has."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from andon.kernel.chores import Chore
from andon.kernel.db import Tx

if TYPE_CHECKING:
    from andon.procedures.conducting import Conductor

WAKING = timedelta(milliseconds=100)
STRANDED_EVERY = timedelta(minutes=1)


def chores(conductor: "Conductor") -> list[Chore]:
    """Let those go on whose delivery has ended; say in the log which wait for other code."""

    def wake_delivered(tx: Tx, now: datetime) -> bool:
        del now
        return conductor.wake_delivered(tx) > 0

    def tell_stranded(tx: Tx, now: datetime) -> bool:
        del now
        conductor.tell_stranded(tx)
        return False

    return [Chore("wake_delivered", WAKING, wake_delivered), Chore("tell_stranded", STRANDED_EVERY, tell_stranded)]
