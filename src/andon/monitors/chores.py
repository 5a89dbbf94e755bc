"""The work of monitors in a worker: count windows, read labels, judge, and sum old hours into days."""

from datetime import datetime, timedelta

from andon.kernel.chores import Chore
from andon.kernel.db import Tx
from andon.kernel.events import Events
from andon.monitors.detecting import Detecting
from andon.monitors.folding import fold
from andon.monitors.judging import Hold, WindowJudge
from andon.monitors.label_reading import mature, read_changes
from andon.monitors.reading import WindowTally
from andon.monitors.store import detectors
from andon.monitors.store import windows as store
from andon.monitors.watching import Watching

_LEASE = timedelta(seconds=60)
_SLOTS_KEPT = timedelta(days=4)
_DETECTORS_KEPT = timedelta(days=100)
"""Of arms that decide no more; each policy makes an arm."""


class MonitorWork:
    """Monitors of one process: the stream feeds `tally`, and `hold` keeps others from changing lines that breach."""

    def __init__(self, events: Events, hold: Hold) -> None:
        self.watching = Watching()
        detecting = Detecting(self.watching)
        self.judge = WindowJudge(self.watching, detecting, events, hold)
        self.tally = WindowTally(self.watching, detecting, self.judge)


def chores(monitors: MonitorWork) -> list[Chore]:
    """Return the chores; one worker at a time runs each."""
    watching, judge = monitors.watching, monitors.judge

    def read_labels(tx: Tx, now: datetime) -> bool:
        return bool(read_changes(tx, watching, now))

    def mature_labels(tx: Tx, now: datetime) -> bool:
        return bool(mature(tx, watching, now))

    def judge_one(tx: Tx, now: datetime) -> bool:
        due = judge.next_due(tx, now)
        if due is None:
            return False
        judge.judge(tx, *due, now)
        return True

    def judge_levels(tx: Tx, now: datetime) -> bool:
        return judge.judge_service_level(tx, now)

    def keep_house(tx: Tx, now: datetime) -> bool:
        store.forget_slots(tx, now - _SLOTS_KEPT)
        detectors.forget(tx, now - _DETECTORS_KEPT)
        return fold(tx, now)

    return [
        Chore("monitors_labels", timedelta(seconds=5), read_labels, lease=_LEASE),
        Chore("monitors_mature", timedelta(minutes=5), mature_labels, lease=_LEASE),
        Chore("monitors_judge", timedelta(seconds=10), judge_one, lease=_LEASE),
        Chore("monitors_levels", timedelta(minutes=1), judge_levels, lease=_LEASE),
        Chore("monitors_house", timedelta(minutes=15), keep_house, lease=_LEASE),
    ]
