"""Replays of a few decisions in a gateway or a console: bounded in time, one at a time."""

from collections.abc import Callable
from threading import Lock

from andon.authoring import Automation
from andon.bootstrap.project import chosen, load_automations
from andon.bootstrap.replaying import Replaying
from andon.kernel.config import Settings
from andon.kernel.db import Database
from andon.replays import SECONDS, Rehearse, ReplayBusy, ReplayQuestion, ReplayReport


def rehearsal(settings: Settings, database: Database, declared: Callable[[str], Automation] | None = None) -> Rehearse:
    """Make the function that answers questions in this process.

    `declared` returns an automation by name; by default it is loaded from the project's code.
    """
    alone = Lock()

    def rehearse(question: ReplayQuestion) -> ReplayReport:
        if not alone.acquire(blocking=False):
            raise ReplayBusy
        try:
            name = question.automation
            automation = chosen(load_automations(settings), name) if declared is None else declared(name)
            replaying = Replaying.prepared(settings, database, question, question.until, automation)
            tally, whole = replaying.run_within(SECONDS)
            stopped = None if whole else f"After {SECONDS} seconds only the newest {tally.decisions:,} were done"
            return replaying.report(tally, review_minutes=None, stopped=stopped)
        finally:
            alone.release()

    return rehearse
