"""The watcher: a worker's look at one trial. It counts, decides, and moves the trial, all in one transaction."""

from abc import ABC, abstractmethod
from datetime import datetime, timedelta
from typing import ClassVar, Final, Generic, TypeAlias, TypeVar

from msgspec import convert, to_builtins

from andon import live, serving
from andon.decisions import ConsumerBusy
from andon.kernel.chores import Chore
from andon.kernel.db import Tx
from andon.kernel.events import Events
from andon.kernel.lookout import REST_SECONDS
from andon.trials import store
from andon.trials.asking import withdraw_left_over
from andon.trials.cases import CASES, CaseStanding
from andon.trials.counting import TrialCounter
from andon.trials.domain import TrafficTrial
from andon.trials.ground import changed_ground, lease_runs_out
from andon.trials.moving import TrialMover
from andon.trials.store import One, Step, TrialStore

TrialKey: TypeAlias = tuple[str, int]
"""The automation and number of an experiment or a rollout."""

Kept = TypeVar("Kept", bound=TrialCounter)  # type: ignore[type-arg]
"""The counter that a worker keeps in memory for each trial."""

ASKED_EVERY: Final = timedelta(seconds=4)
"""Time between checks that every process can follow, and their time to do so: two of their reports."""

LEASE: Final = timedelta(seconds=5)
"""Time after which another worker takes over the chore of a silent one."""


class TrialWatcher(ABC, Generic[One, Step, Kept]):
    """Watches the trials of one kind. One object a worker."""

    chore: ClassVar[str]
    """The name of its chore."""

    _store: TrialStore[One, Step]
    _mover: type[TrialMover[One, Step]]
    _counter: type[Kept]

    def __init__(self, events: Events) -> None:
        self._events = events
        self._kept: dict[TrialKey, Kept] = {}
        self._last: TrialKey | None = None
        self._asked: dict[TrialKey, datetime] = {}

    @classmethod
    def chores(cls, events: Events) -> list[Chore]:
        """Return the chore in which a watcher looks. A lookout wakes it a few times a second while there is need."""
        return [Chore(cls.chore, timedelta(seconds=REST_SECONDS), cls(events).look, LEASE)]

    @classmethod
    def open_sql(cls) -> str:
        """Return a condition: a worker has a trial of this kind to watch."""
        return cls._store.watched_sql

    def look(self, tx: Tx, now: datetime) -> bool:
        """Look at the next trial. Return whether there may be more to do now."""
        if withdraw_left_over(tx, self._store, now):
            return True
        watched = self._store.watched(tx)
        self._kept = {key: one for key, one in self._kept.items() if key in watched}
        if not watched:
            return False
        behind = watched.index(self._last) + 1 if self._last in watched else 0
        self._last = watched[behind % len(watched)]
        more = self._look_at(tx, self._last, now)
        return more or self._last != watched[-1]

    @abstractmethod
    def _judge(self, tx: Tx, one: One, counter: Kept, cases: CaseStanding, now: datetime) -> bool:
        """Count what is new and act on it. Return whether there may be more to do now. Raises ConsumerBusy."""

    def _look_at(self, tx: Tx, key: TrialKey, now: datetime) -> bool:
        found = self._store.find(tx, *key, for_update=True)
        if found is None or not found.is_watched:
            return False
        serving.hold(tx, found.automation)
        mover, changed = self._mover(tx, self._events, now), changed_ground(tx, found)
        trouble = "" if changed is not None else self._trouble(tx, key, found, now)
        if changed is not None or trouble:
            why, kept = (trouble, False) if changed is None else (changed.reason, changed.by_split)
            mover.withdraw_because(found, why, keep_split=kept)
            return False
        if lease_runs_out(tx, found, now):
            mover.renew(found)
        counter, kept_cases = self._kept.setdefault(key, self._counter(found)), store.counts_of(tx, found.id)[CASES]
        cases = convert(kept_cases, CaseStanding)
        try:
            more = self._judge(tx, found, counter, cases, now)
        except ConsumerBusy:  # a worker that lost its lease finishes what it began
            return False
        body = to_builtins(cases)
        if body != kept_cases:
            store.save_counts(tx, found.id, {CASES: body})
        return more

    def _trouble(self, tx: Tx, key: TrialKey, one: TrafficTrial, now: datetime) -> str:
        """Say which process cannot follow, as when it cannot load an arm; empty if all can, as far as is known."""
        since = one.split_since
        if now < self._asked.get(key, since) + ASKED_EVERY:
            return ""
        self._asked[key] = now
        for process in live.processes(tx, now):
            why = process.status.behind.get(one.automation)
            if why is not None and process.seen_at >= since + ASKED_EVERY:
                return f"The {process.part} {process.host}/{process.pid} cannot follow: {why}"
        return ""
