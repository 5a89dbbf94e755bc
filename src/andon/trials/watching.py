"""The watcher of trials: a worker looks at experiments or rollouts in turn, each in its own transaction."""

from abc import ABC, abstractmethod
from datetime import datetime, timedelta
from typing import Final, Generic, TypeAlias, TypeVar
from uuid import UUID

from andon import live
from andon.kernel.chores import Chore
from andon.kernel.db import Tx
from andon.kernel.events import Events
from andon.kernel.lookout import REST_SECONDS

TrialKey: TypeAlias = tuple[str, int]
"""The automation and number of an experiment or a rollout."""

Kept = TypeVar("Kept")
"""The counter that a worker keeps in memory for each trial."""

ASKED_EVERY: Final = timedelta(seconds=4)
"""Time between checks that every process can follow, and their time to do so: two of their reports."""

LEASE: Final = timedelta(seconds=5)
"""Time after which another worker takes over the chore of a silent one."""


class TrialWatcher(ABC, Generic[Kept]):
    """Watches the trials of one kind. One object a worker."""

    def __init__(self, events: Events) -> None:
        self._events = events
        self._kept: dict[TrialKey, Kept] = {}
        self._last: TrialKey | None = None
        self._asked: dict[UUID, datetime] = {}

    def look(self, tx: Tx, now: datetime) -> bool:
        """Look at the next trial. Return whether there may be more to do now."""
        watched = self._watched(tx)
        self._kept = {key: one for key, one in self._kept.items() if key in watched}
        if not watched:
            return False
        behind = watched.index(self._last) + 1 if self._last in watched else 0
        self._last = watched[behind % len(watched)]
        more = self._look_at(tx, self._last, now)
        return more or self._last != watched[-1]

    @abstractmethod
    def _watched(self, tx: Tx) -> list[TrialKey]:
        """Return all trials that are watched now, oldest first."""

    @abstractmethod
    def _look_at(self, tx: Tx, key: TrialKey, now: datetime) -> bool:
        """Look at one trial. Return whether there may be more to do now."""

    def _trouble(self, tx: Tx, trial: UUID, automation: str, since: datetime, now: datetime) -> str:
        """Say which process cannot follow, as when it cannot load an arm; empty if all can, as far as is known."""
        if now < self._asked.get(trial, since) + ASKED_EVERY:
            return ""
        self._asked[trial] = now
        for process in live.processes(tx, now):
            why = process.status.behind.get(automation)
            if why is not None and process.seen_at >= since + ASKED_EVERY:
                return f"The {process.part} {process.host}/{process.pid} cannot follow: {why}"
        return ""


def watching(name: str, watcher: TrialWatcher[Kept]) -> Chore:
    """Return the chore in which a watcher looks. A lookout wakes it a few times a second while there is need."""
    return Chore(name, timedelta(seconds=REST_SECONDS), watcher.look, LEASE)
