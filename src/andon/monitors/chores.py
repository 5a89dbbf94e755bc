"""Chores of workers for monitors: read the feed, read labels, judge, and sum old hours into days."""

from datetime import datetime, timedelta

from andon.decisions import ConsumerBusy
from andon.kernel.chores import Chore
from andon.kernel.db import Tx
from andon.kernel.events import Events
from andon.monitors.detecting import Detecting
from andon.monitors.folding import fold
from andon.monitors.judging import Hold, WindowJudge
from andon.monitors.label_reading import mature, read_changes
from andon.monitors.reading import WindowReader
from andon.monitors.store import detectors
from andon.monitors.store import windows as store
from andon.monitors.watching import Watching

AT_ONCE = 5000
"""The most decisions of one transaction."""

_LEASE = timedelta(seconds=60)
_SLOTS_KEPT = timedelta(days=4)
_DETECTORS_KEPT = timedelta(days=100)
"""Of arms that decide no more; each policy makes an arm."""


def chores(events: Events, hold: Hold) -> list[Chore]:
    """Return the chores; one worker at a time runs each. `hold` keeps others from changing lines that breach."""
    watching = Watching()
    detecting = Detecting(watching)
    reader, judge = WindowReader(watching, detecting), WindowJudge(watching, detecting, events, hold)

    def read(tx: Tx, now: datetime) -> bool:
        try:
            count, found = reader.read(tx, now, AT_ONCE)
        except ConsumerBusy:  # a worker that lost its lease finishes what it began
            return False
        judge.detected(tx, found, now)
        return count >= AT_ONCE // 2

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
        Chore("monitors_read", timedelta(seconds=5), read, lease=_LEASE),
        Chore("monitors_labels", timedelta(seconds=5), read_labels, lease=_LEASE),
        Chore("monitors_mature", timedelta(minutes=5), mature_labels, lease=_LEASE),
        Chore("monitors_judge", timedelta(seconds=10), judge_one, lease=_LEASE),
        Chore("monitors_levels", timedelta(minutes=1), judge_levels, lease=_LEASE),
        Chore("monitors_house", timedelta(minutes=15), keep_house, lease=_LEASE),
    ]
