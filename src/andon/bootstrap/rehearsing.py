"""Trying a policy on the newest decisions from within a process that has other things to do: bounded in number and time, one at a time."""

from datetime import UTC, datetime
from threading import Lock

from andon.bootstrap.replaying import Replaying
from andon.console import NEWEST, SECONDS, Rehearse
from andon.kernel.clock import Clock
from andon.kernel.config import Settings
from andon.kernel.db import Database
from andon.replays import PolicyText, ReplayBusy, ReplayQuestion, ReplayReport

_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)


def policy_rehearsal(settings: Settings, database: Database, clock: Clock) -> Rehearse:
    """Return what tries policies in this process, with the predictions and gates that were recorded; so no model is loaded."""
    alone = Lock()

    def rehearse(automation: str, policy: PolicyText) -> ReplayReport:
        if not alone.acquire(blocking=False):
            raise ReplayBusy
        try:
            now = clock.now()
            question = ReplayQuestion(automation, _EARLIEST, now, last=NEWEST, policy=policy)
            replaying = Replaying.prepared(settings, database, question, now)
            tally, whole = replaying.run_within(SECONDS)
            stopped = None if whole else f"After {SECONDS} seconds only the newest {tally.decisions:,} were done"
            return replaying.report(tally, review_minutes=None, stopped=stopped)
        finally:
            alone.release()

    return rehearse
