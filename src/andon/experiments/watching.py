"""The watcher: a worker's look at one experiment. It counts, decides and allocates, all in one transaction."""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from andon import live, policies, serving
from andon.decisions import ConsumerBusy
from andon.experiments import store
from andon.experiments.allocating import allocation
from andon.experiments.counting import ExperimentCounter
from andon.experiments.domain import ALLOCATED_EVERY, Experiment
from andon.experiments.estimates import (
    ExperimentEstimates,
    fold,
    note_point,
    pair_estimates,
    winner_of,
)
from andon.experiments.moving import ExperimentMover
from andon.experiments.sentences import standing_sentence
from andon.kernel.db import Tx
from andon.kernel.events import Events

ASKED_EVERY = timedelta(seconds=4)
"""How often it is looked whether every process can follow, and how long they have for that: twice the time between their reports."""

RENEWED_AT = 2 / 3
"""A lease is renewed when less than this part of it is left."""


class ExperimentWatcher:
    """Watches the experiments of an installation in turn, one in each transaction. One object a worker."""

    def __init__(self, events: Events) -> None:
        self._events = events
        self._counters: dict[tuple[str, int], ExperimentCounter] = {}
        self._last: tuple[str, int] | None = None
        self._asked: dict[UUID, datetime] = {}

    def look(self, tx: Tx, now: datetime) -> bool:
        """Look at the next experiment; whether there may be more to do at once."""
        running = store.running(tx)
        self._counters = {key: one for key, one in self._counters.items() if key in running}
        if not running:
            return False
        behind = running.index(self._last) + 1 if self._last in running else 0
        self._last = running[behind % len(running)]
        more = self._look_at(tx, self._last, now)
        return more or self._last != running[-1]

    def _look_at(self, tx: Tx, key: tuple[str, int], now: datetime) -> bool:
        found = store.find(tx, *key, for_update=True)
        if found is None or not found.is_running:
            return False
        serving.hold(tx, found.automation)
        mover = ExperimentMover(tx, self._events, now)
        if _is_overtaken(tx, found, mover):
            return False
        trouble = self._trouble(tx, found, now)
        if trouble:
            mover.stop(found, trouble)
            return False
        lease = serving.leases(tx).get(found.automation)
        if lease is None or lease.split != found.split or lease.expires_at - now < RENEWED_AT * found.dead_man:
            mover.renew(found)
        estimates = ExperimentEstimates.of(store.estimates_of(tx, found.id), len(found.arms))
        counter = self._counters.setdefault(key, ExperimentCounter(found))
        try:
            took = counter.take(tx, found, now)
        except ConsumerBusy:  # a worker that lost its lease ends what it had begun
            return False
        if took.decisions or took.values:
            for arm, count in took.decisions.items():
                estimates.arms[arm].decisions += count
            fold(found, estimates, took.values)
            found = replace(found, seen=found.seen + sum(took.decisions.values()))
            note_point(found, estimates, found.seen, now)
            store.save_estimates(tx, found.id, estimates.body())
        self._decide(tx, mover, found, estimates, now)
        return took.more

    def _trouble(self, tx: Tx, experiment: Experiment, now: datetime) -> str:
        """Say which process cannot follow, as when it cannot load an arm; empty if all can, as far as is known."""
        if now < self._asked.get(experiment.id, experiment.created_at) + ASKED_EVERY:
            return ""
        self._asked[experiment.id] = now
        for process in live.processes(tx, now):
            why = process.status.behind.get(experiment.automation)
            if why is not None and process.seen_at >= experiment.created_at + ASKED_EVERY:
                return f"The {process.part} {process.host}/{process.pid} cannot follow: {why}"
        return ""

    def _decide(
        self, tx: Tx, mover: ExperimentMover, one: Experiment, estimates: ExperimentEstimates, now: datetime
    ) -> None:
        """End what is decided or due, move the shares if they follow the results, and say how it stands."""
        why = standing_sentence(one, estimates)
        said = replace(one, why=why)
        winner = winner_of(one, pair_estimates(one, estimates))
        if winner is not None:
            mover.decide(said, one.arms[winner], why, {"seen": one.seen})
        elif one.most_decisions is not None and one.seen >= one.most_decisions:
            mover.end(said, f"{one.seen:,} decisions were made. {why}")
        elif one.until is not None and now >= one.until:
            mover.end(said, f"It was to end at {one.until:%Y-%m-%d %H:%M} UTC. {why}")
        else:
            found = None
            if one.allocation == "thompson" and now - one.allocated_at >= ALLOCATED_EVERY:
                found = allocation(one, estimates)
            if found is not None:
                mover.allocate(said, found.shares, {"best": list(found.best)})
            elif said != store.find(tx, one.automation, one.number):
                store.save(tx, said)


def _is_overtaken(tx: Tx, experiment: Experiment, mover: ExperimentMover) -> bool:
    """End an experiment whose ground has changed: another split, another champion, another policy in force."""
    split = serving.split_of(tx, experiment.automation, experiment.model)
    champion = serving.champion_of(tx, experiment.model)
    in_force = policies.in_force(tx, experiment.automation)
    now_in_force = "" if in_force is None else in_force.version
    if split.number != experiment.split:
        reason = f"The traffic was split by {split.set_by} meanwhile: {split.reason}"
    elif champion != experiment.champion:
        reason = f"The champion of {experiment.model} is version {champion} meanwhile"
    elif now_in_force != experiment.in_force:
        reason = f"Policy {now_in_force} was put in force meanwhile"
    else:
        return False
    mover.stop(experiment, reason, keep_split=split.number != experiment.split)
    return True
