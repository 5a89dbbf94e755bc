"""Moves of an experiment. Each is one step in the caller's transaction, with all of its consequences.

These are traffic, state, event, audit entry and announcement. The mover has locked the experiment, so of two concurrent
moves one waits and then sees what the other did.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any

from andon import audit, decisions, models, policies, serving
from andon.decisions import ConsumerNotFound, Feed, Start
from andon.experiments import store
from andon.experiments.domain import Experiment, ExperimentEvent, ExperimentState
from andon.experiments.estimates import ArmSums, ExperimentEstimates
from andon.experiments.published import ExperimentMoved
from andon.kernel.db import Tx
from andon.kernel.events import Events
from andon.kernel.identity import PLATFORM, Actor
from andon.kernel.reasons import LONGEST
from andon.models import CHAMPION
from andon.serving import Candidate, TrafficLease
from andon.trials import CaseStanding

WATCHER = "worker"
"""The holder of leases."""

_OVER = "The experiment was over"


class ExperimentMover:
    """Moves experiments in one transaction, at one moment, in the name of one actor."""

    def __init__(self, tx: Tx, events: Events, now: datetime, actor: Actor = PLATFORM) -> None:
        self._tx, self._events, self._now, self._actor = tx, events, now, actor

    def begin(self, made: Experiment) -> Experiment:
        """Write a new experiment and give its arms their shares, with units drawn anew."""
        Feed(made.consumer, automations=[made.automation], start=Start.NOW).claim(self._tx)
        store.add(self._tx, made)
        counted = ExperimentEstimates([ArmSums() for _ in made.arms], CaseStanding.from_here(self._tx, self._now))
        store.save_estimates(self._tx, made.id, counted.body())
        reason = f"Experiment {made.number}: {made.reason}"[:LONGEST]
        begun = replace(made, split=self._split(made, made.given_shares, reason))
        store.save(self._tx, begun)
        self.renew(begun)
        self._note(None, begun, "start", made.reason, {})
        return begun

    def allocate(self, experiment: Experiment, shares: Sequence[float], evidence: Mapping[str, Any]) -> Experiment:
        """Give the arms other shares."""
        reason = f"Allocation of {experiment.name} by its results"
        moved = replace(experiment, shares=tuple(shares), allocated_at=self._now)
        moved = replace(moved, split=self._split(moved, moved.given_shares, reason))
        self.renew(moved)
        return self._moved(experiment, moved, "allocate", reason, evidence)

    def decide(self, experiment: Experiment, winner: Candidate, why: str, evidence: Mapping[str, Any]) -> Experiment:
        """End an experiment with a winner; the champion answers again until somebody adopts it."""
        return self._end(replace(experiment, winner=winner), ExperimentState.DECIDED, "decide", why, evidence)

    def end(self, experiment: Experiment, why: str) -> Experiment:
        """End an experiment without a winner."""
        return self._end(experiment, ExperimentState.UNDECIDED, "end", why, {})

    def stop(self, experiment: Experiment, why: str, *, keep_split: bool = False) -> Experiment:
        """Take all traffic away from the arms and end the experiment. `keep_split` leaves a split by somebody else."""
        return self._end(experiment, ExperimentState.STOPPED, "stop", why, {}, keep_split=keep_split)

    def adopt(self, experiment: Experiment, winner: Candidate, reason: str) -> Experiment:
        """Make the winner the champion and put its policy in force."""
        named: dict[str, Any] = {"actor": self._actor, "reason": reason, "events": self._events, "now": self._now}
        policies.hold(self._tx, experiment.automation)
        if winner.version != experiment.champion:
            models.set_alias(self._tx, experiment.model, CHAMPION, winner.version, **named)
        if winner.policy:
            policies.put_in_force(self._tx, experiment.automation, winner.policy, **named)
        return self._moved(experiment, replace(experiment, state=ExperimentState.ADOPTED), "adopt", reason, {})

    def renew(self, experiment: Experiment) -> None:
        """Renew the lease that lets the arms keep their traffic while they are watched."""
        until = self._now + experiment.dead_man
        serving.set_lease(self._tx, TrafficLease(experiment.automation, experiment.split, WATCHER, until))

    def _split(self, experiment: Experiment, shares: Mapping[Candidate, float], reason: str) -> int:
        answering = {Candidate(experiment.champion), *shares}
        made = serving.set_split(
            self._tx,
            experiment.automation,
            experiment.model,
            shares=shares,
            shadows=[one for one in experiment.shadows_before if one not in answering],
            actor=self._actor,
            reason=reason,
            events=self._events,
            now=self._now,
            seen=experiment.split,
            salt=experiment.salt,
            unit=experiment.unit,
        )
        return made.number

    def _end(
        self,
        experiment: Experiment,
        state: ExperimentState,
        kind: str,
        why: str,
        evidence: Mapping[str, Any],
        *,
        keep_split: bool = False,
    ) -> Experiment:
        lease = TrafficLease(experiment.automation, experiment.split, WATCHER, self._now)
        serving.set_lease(self._tx, lease)  # gateways follow this without building a line
        split = experiment.split if keep_split else self._split(experiment, {}, why)
        ended = replace(experiment, state=state, split=split, ended_at=self._now, ended_by=self._actor.name, why=why)
        store.forget_units(self._tx, experiment.id)
        with suppress(ConsumerNotFound):
            decisions.reset_consumer(
                self._tx, experiment.consumer, None, actor=self._actor, reason=_OVER, now=self._now
            )
        return self._moved(experiment, ended, kind, why, evidence)

    def _moved(
        self, before: Experiment, after: Experiment, kind: str, reason: str, evidence: Mapping[str, Any]
    ) -> Experiment:
        store.save(self._tx, after)
        self._note(before, after, kind, reason, evidence)
        return after

    def _note(
        self, before: Experiment | None, after: Experiment, kind: str, reason: str, evidence: Mapping[str, Any]
    ) -> None:
        state_before = None if before is None else before.state
        shares = after.shares if after.is_running else ()
        event = ExperimentEvent(
            0, self._now, kind, state_before, after.state, shares, self._actor.name, reason, evidence
        )
        store.add_event(self._tx, after.id, event)
        audit.record(
            self._tx,
            actor=self._actor,
            action=f"experiment.{kind}",
            subject=f"automation:{after.automation}",
            at=self._now,
            reason=reason,
            before=None if before is None else _audited(before),
            after={**_audited(after), **evidence},
        )
        given = dict(zip(map(str, after.arms), shares, strict=False))
        winner = None if after.winner is None else str(after.winner)
        moved = ExperimentMoved(
            after.automation,
            after.number,
            kind,
            after.state.value,
            given,
            winner,
            self._actor.name,
            reason,
            at=self._now,
        )
        self._events.publish(self._tx, moved)


def _audited(experiment: Experiment) -> dict[str, Any]:
    return {
        "experiment": experiment.number,
        "shares": dict(zip(map(str, experiment.arms), experiment.shares, strict=True)),
        "measure": experiment.measure,
        "better": experiment.better,
        "state": experiment.state.value,
        "split": experiment.split,
        "winner": None if experiment.winner is None else str(experiment.winner),
    }
