"""Moves of an experiment; what all trials share is in `andon.trials`."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from andon.experiments.domain import EXPERIMENTS, Experiment, ExperimentEvent, ExperimentState
from andon.experiments.published import ExperimentMoved
from andon.serving import Candidate
from andon.trials import TrialMover, written


class ExperimentMover(TrialMover[Experiment, ExperimentEvent]):
    """Moves experiments in one transaction, at one moment, in the name of one actor."""

    _store = EXPERIMENTS

    def begin(self, made: Experiment) -> Experiment:
        """Write a new experiment and give its arms their shares, with units drawn anew."""
        EXPERIMENTS.add(self._tx, made)
        self._listen(made)
        reason = written(f"{made.kind.capitalize()} {made.number}: {made.reason}")
        begun = replace(made, split=self._split(made, made.given_shares, reason))
        EXPERIMENTS.save(self._tx, begun)
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
        return self._over(experiment, ExperimentState.DECIDED, "decide", why, evidence, winner=winner)

    def end(self, experiment: Experiment, why: str) -> Experiment:
        """End an experiment without a winner."""
        return self._over(experiment, ExperimentState.UNDECIDED, "end", why, {})

    def withdraw_because(self, one: Experiment, why: str, *, keep_split: bool = False) -> Experiment:
        """Take all traffic away from the arms and end the experiment. `keep_split` leaves a split by somebody else."""
        return self._over(one, ExperimentState.STOPPED, "stop", why, {}, keep_split=keep_split)

    def adopt(self, experiment: Experiment, winner: Candidate, reason: str) -> Experiment:
        """Make the winner the champion and put its policy in force."""
        self._take_over(experiment, winner, reason)
        return self._moved(experiment, replace(experiment, state=ExperimentState.ADOPTED), "adopt", reason, {})

    def _over(
        self,
        experiment: Experiment,
        state: ExperimentState,
        kind: str,
        why: str,
        evidence: Mapping[str, Any],
        *,
        keep_split: bool = False,
        winner: Candidate | None = None,
    ) -> Experiment:
        after = replace(self._withdraw(experiment, why, keep_split=keep_split), winner=winner)
        return self._end(experiment, after, state, kind, why, evidence)

    def _event(self, _before: Experiment | None, after: Experiment, step: Mapping[str, Any]) -> ExperimentEvent:
        return ExperimentEvent(**step, shares=list(after.shares) if after.is_running else [])

    def _announced(self, after: Experiment, kind: str, reason: str) -> ExperimentMoved:
        shares = dict(zip(map(str, after.arms), after.shares, strict=True)) if after.is_running else {}
        winner, state = None if after.winner is None else str(after.winner), after.state.value
        by = self._actor.name
        return ExperimentMoved(after.automation, after.number, kind, state, shares, winner, by, reason, at=self._now)

    def _audited(self, one: Experiment) -> dict[str, Any]:
        return {
            "experiment": one.number,
            "shares": dict(zip(map(str, one.arms), one.shares, strict=True)),
            "measure": one.measure,
            "better": one.better,
            "state": one.state.value,
            "split": one.split,
            "winner": None if one.winner is None else str(one.winner),
        }
