"""The watcher: a worker's look at one experiment. It counts, decides and allocates, all in one transaction."""

from dataclasses import replace
from datetime import datetime

from andon import serving
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
from andon.trials import CaseStanding, TrialKey, TrialWatcher, changed_ground, lease_runs_out


class ExperimentWatcher(TrialWatcher[ExperimentCounter]):
    """Watches the experiments of an installation."""

    def _watched(self, tx: Tx) -> list[TrialKey]:
        return store.running(tx)

    def _look_at(self, tx: Tx, key: TrialKey, now: datetime) -> bool:
        found = store.find(tx, *key, for_update=True)
        if found is None or not found.is_running:
            return False
        serving.hold(tx, found.automation)
        mover = ExperimentMover(tx, self._events, now)
        changed = changed_ground(tx, found)
        if changed is not None:
            mover.stop(found, changed.reason, keep_split=changed.by_split)
            return False
        trouble = self._trouble(tx, found.id, found.automation, found.created_at, now)
        if trouble:
            mover.stop(found, trouble)
            return False
        if lease_runs_out(tx, found, found.dead_man, now):
            mover.renew(found)
        kept = store.estimates_of(tx, found.id)
        estimates = ExperimentEstimates.of(kept, len(found.arms))
        counter = self._kept.setdefault(key, ExperimentCounter(found))
        cases = estimates.cases or CaseStanding.from_here(tx, found.created_at)
        estimates.cases = cases
        try:
            took = counter.take(tx, found, cases, now)
        except ConsumerBusy:  # a worker that lost its lease ends what it had begun
            return False
        if took.decisions or took.values:
            for arm, count in took.decisions.items():
                estimates.arms[arm].decisions += count
            fold(found, estimates, took.values)
            found = replace(found, seen=found.seen + sum(took.decisions.values()))
            note_point(found, estimates, found.seen, now)
        if estimates.body() != kept:
            store.save_estimates(tx, found.id, estimates.body())
        self._decide(tx, mover, found, estimates, now)
        return took.more

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
            mover.end(said, f"It was due to end at {one.until:%Y-%m-%d %H:%M} UTC. {why}")
        else:
            found = None
            if one.allocation == "thompson" and now - one.allocated_at >= ALLOCATED_EVERY:
                found = allocation(one, estimates)
            if found is not None:
                mover.allocate(said, found.shares, {"best": list(found.best)})
            elif said != store.find(tx, one.automation, one.number):
                store.save(tx, said)
