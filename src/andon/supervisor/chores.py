"""The state of the workers' chores, for `andon doctor`."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from andon.kernel.chores import ChoreState, states
from andon.kernel.db import Database
from andon.supervisor.findings import DoctorFinding, DoctorState

_LATE = timedelta(minutes=5)
"""The delay of a chore that is worth a finding; a killed worker holds one for two minutes."""


def examine_chores(database: Database) -> Iterator[DoctorFinding]:
    """When each chore went well last, how often it failed since, and why."""
    with database.begin() as tx:
        found = states(tx)
    now = database.now()
    for chore in found:
        yield _finding(chore, now)


def _finding(chore: ChoreState, now: datetime) -> DoctorFinding:
    check, ran = f"chore {chore.name}", _ran(chore, now)
    if chore.failures:
        times = "once" if chore.failures == 1 else f"{chore.failures} times"
        return DoctorFinding(
            check,
            DoctorState.WRONG,
            f"{ran}; failed {times} since, last at {_time(chore.failed_at)}: {chore.last_error}",
            "see the worker's log (worker.chore_failed); the chore is tried again",
        )
    if chore.last_run_at is None or now - chore.last_run_at > chore.interval + _LATE:
        return DoctorFinding(check, DoctorState.WARNING, ran, "make sure that a worker runs: `andon up`")
    earlier = "" if chore.failed_at is None else f"; failed last at {_time(chore.failed_at)}: {chore.last_error}"
    return DoctorFinding(check, DoctorState.FINE, ran + earlier)


def _ran(chore: ChoreState, now: datetime) -> str:
    if chore.last_run_at is None:
        return "has not run yet"
    ago = max((now - chore.last_run_at).total_seconds(), 0.0)
    return f"ran {ago:.0f} s ago" if ago < 600 else f"ran at {_time(chore.last_run_at)}"


def _time(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S} UTC"
