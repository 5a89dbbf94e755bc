"""A chore as its slice declares it, and how it went as a person sees it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from andon.kernel.db import Tx


@dataclass(frozen=True, slots=True)
class Chore:
    """Work that is done in one transaction each time, `interval` after the last time.

    `work(tx, now)` says whether there may be more to do at once; `now` is the time of the database's server. With a `lease` one
    worker does it at a time, and another takes over when it was not heard of for the interval and the lease. Without one every
    worker does it, so its work must bear that.
    """

    name: str
    interval: timedelta
    work: Callable[[Tx, datetime], bool]
    lease: timedelta | None = None


@dataclass(frozen=True, slots=True)
class ChoreState:
    """How a chore went: `failures` counts those since it went well, `last_error` stays after that."""

    name: str
    interval: timedelta
    holder: str | None
    last_run_at: datetime | None
    last_error: str | None
    failed_at: datetime | None
    failures: int
