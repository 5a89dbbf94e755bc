"""A chore as its slice declares it, and its state as people see it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from andon.kernel.db import Tx


@dataclass(frozen=True, slots=True)
class Chore:
    """Work that runs in one transaction each time, `interval` after the previous run.

    `work(tx, now)` returns whether there may be more to do immediately; `now` is the time of the database server. With
    a `lease`, one worker runs it at a time; another takes over when the holder has been silent for the interval plus
    the lease. Without a lease every worker runs it, so the work must tolerate that.
    """

    name: str
    interval: timedelta
    work: Callable[[Tx, datetime], bool]
    lease: timedelta | None = None


@dataclass(frozen=True, slots=True)
class ChoreState:
    """The state of a chore: `failures` counts those since the last success; `last_error` is kept after one."""

    name: str
    interval: timedelta
    holder: str | None
    last_run_at: datetime | None
    last_error: str | None
    failed_at: datetime | None
    failures: int
