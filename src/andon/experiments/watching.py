"""The watcher of experiments: it counts, ends what is decided or due, and moves the shares."""

from dataclasses import replace
from datetime import datetime

from andon.experiments.allocating import allocation
from andon.experiments.counting import ExperimentCounter
from andon.experiments.domain import ALLOCATED_EVERY, EXPERIMENTS, Experiment, ExperimentEvent
from andon.experiments.estimates import (
    ESTIMATES,
    ExperimentEstimates,
    fold,
    note_point,
    pair_estimates,
    winner_of,
)
from andon.experiments.moving import ExperimentMover
from andon.experiments.sentences import standing_sentence
from andon.kernel.db import Tx
from andon.trials import CaseStanding, TrialWatcher, counts_of, save_counts


class ExperimentWatcher(TrialWatcher[Experiment, ExperimentEvent, ExperimentCounter]):
    """Watches the experiments of an installation."""

    chore = "watch_experiments"
    _store = EXPERIMENTS
    _mover = ExperimentMover
    _counter = ExperimentCounter

    def _judge(self, tx: Tx, one: Experiment, counter: ExperimentCounter, cases: CaseStanding, now: datetime) -> bool:
        estimates = ExperimentEstimates.of(counts_of(tx, one.id).get(ESTIMATES), len(one.arms))
        took = counter.take(tx, one, cases, now)
        if took.decisions or took.values:
            for arm, count in took.decisions.items():
                estimates.arms[arm].decisions += count
            fold(one, estimates, took.values)
            one = replace(one, seen=one.seen + sum(took.decisions.values()))
            note_point(one, estimates, one.seen, now)
            save_counts(tx, one.id, {ESTIMATES: estimates.body()})
        self._decide(tx, ExperimentMover(tx, self._events, now), one, estimates, now)
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
            elif said != EXPERIMENTS.find(tx, one.automation, one.number):
                EXPERIMENTS.save(tx, said)
