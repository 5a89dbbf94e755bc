"""Moves of a rollout; what all trials share is in `andon.trials`."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from andon import alerts, gates, models, policies, serving
from andon.gates import GateRevision
from andon.rollouts.alerting import alert_of_rollback, end_alert
from andon.rollouts.domain import ROLLOUTS, Rollout, RolloutEvent, RolloutState
from andon.rollouts.published import RolloutMoved
from andon.trials import TrialMover, written


class RolloutMover(TrialMover[Rollout, RolloutEvent]):
    """Moves rollouts in one transaction, at one moment, in the name of one actor."""

    _store = ROLLOUTS

    def add(self, made: Rollout) -> Rollout:
        """Write a new rollout, which nobody watches yet."""
        end_alert(self._tx, made, events=self._events, now=self._now)
        ROLLOUTS.add(self._tx, made)
        self._note(None, made, "start", made.reason, {})
        return made

    def approve(self, rollout: Rollout, reason: str) -> Rollout:
        """Record the approval, and begin."""
        self._hold(rollout)
        approved = replace(rollout, approved_by=self._actor.name)
        self._note(rollout, approved, "approve", reason, {})
        return self.begin(approved, rollout.reason)

    def begin(self, rollout: Rollout, reason: str) -> Rollout:
        """Let the candidate run as a shadow, with freshly drawn units; from now on it is watched."""
        self._pass_gate(gates.give, rollout, reason)
        self._listen(rollout)
        begun = replace(
            rollout,
            state=RolloutState.RUNNING,
            stage_at=self._now,
            shadowed_to=serving.shadow_position(self._tx),
            why="The candidate runs as a shadow",
            split=self._split(rollout, {}, reason, looking_on=[rollout.candidate]),
        )
        self.renew(begun)
        return self._moved(rollout, begun, "begin", reason, {})

    def advance(self, rollout: Rollout, reason: str, evidence: Mapping[str, Any]) -> Rollout:
        """Give the candidate the share of its next stage."""
        reason, following = written(reason), rollout.at.following or 0.0
        grown = replace(
            rollout,
            stage=rollout.stage + 1,
            stage_at=self._now,
            seen=0,
            split=self._split(rollout, {rollout.candidate: following}, reason),
            why=f"The candidate has {following:g}% of the traffic",
        )
        self.renew(grown)
        return self._moved(rollout, grown, "advance", reason, evidence)

    def promote(self, rollout: Rollout, reason: str, evidence: Mapping[str, Any]) -> Rollout:
        """Make the candidate the champion, put its policy and gate in force, and end the rollout and its split."""
        reason = written(reason)
        policies.hold(self._tx, rollout.automation)
        models.hold(self._tx, rollout.model)
        self._hold(rollout)
        self._take_over(rollout, rollout.candidate, reason)
        self._pass_gate(gates.take_over, rollout, reason)
        return self._without_traffic(rollout, RolloutState.PROMOTED, "promote", reason, evidence)

    def complete(self, rollout: Rollout, reason: str, evidence: Mapping[str, Any]) -> Rollout:
        """End a rollout that was for shadows only."""
        return self._without_traffic(rollout, RolloutState.COMPLETED, "complete", written(reason), evidence)

    def roll_back(
        self, rollout: Rollout, reason: str, evidence: Mapping[str, Any], *, keep_split: bool = False
    ) -> Rollout:
        """End a rollout because of what a worker found, with an alert."""
        reason = written(reason)
        alert_of_rollback(self._tx, rollout, reason, evidence, events=self._events, now=self._now)
        after = self._withdraw(rollout, reason, keep_split=keep_split)
        return self._end(rollout, after, RolloutState.ROLLED_BACK, "roll_back", reason, evidence)

    def withdraw_because(self, one: Rollout, why: str, *, keep_split: bool = False) -> Rollout:
        """Roll back, as its ground changed or a process cannot follow."""
        return self.roll_back(one, why, {}, keep_split=keep_split)

    def abort(self, rollout: Rollout, reason: str, *, keep_split: bool) -> Rollout:
        """End a rollout for a person. Needs neither the candidate nor a worker."""
        after = self._withdraw(rollout, reason, keep_split=keep_split) if rollout.is_watched else rollout
        return self._end(rollout, after, RolloutState.ABORTED, "abort", reason, {})

    def pause(self, rollout: Rollout, reason: str) -> Rollout:
        """Keep the candidate's share unchanged; harm still ends the rollout."""
        paused = replace(rollout, state=RolloutState.PAUSED, why=f"Paused by {self._actor.name}")
        return self._moved(rollout, paused, "pause", reason, {})

    def resume(self, rollout: Rollout, reason: str) -> Rollout:
        """Continue where it was paused."""
        resumed = replace(rollout, state=RolloutState.RUNNING, why=f"Resumed by {self._actor.name}")
        return self._moved(rollout, resumed, "resume", reason, {})

    def _without_traffic(
        self, rollout: Rollout, state: RolloutState, kind: str, reason: str, evidence: Mapping[str, Any]
    ) -> Rollout:
        after = replace(rollout, split=self._split(rollout, {}, reason))
        return self._end(rollout, after, state, kind, reason, evidence)

    def _hold(self, rollout: Rollout) -> None:
        """Take what a revision of the gate changes, before anything is in the audit log."""
        gates.hold(self._tx, rollout.automation)
        alerts.hold(self._tx, [rollout.automation])

    def _pass_gate(self, change: Callable[..., GateRevision], rollout: Rollout, reason: str) -> None:
        """Give a candidate's own gate to its arm, or to the arm that takes over; do nothing if it has none."""
        if rollout.candidate.gate is not None:
            change(
                self._tx,
                rollout.automation,
                rollout.arm,
                rollout.candidate.gate,
                source=rollout.name,
                actor=self._actor,
                reason=written(f"{rollout.name}: {reason}"),
                events=self._events,
                now=self._now,
            )

    def _event(self, _before: Rollout | None, after: Rollout, step: Mapping[str, Any]) -> RolloutEvent:
        return RolloutEvent(**step, stage_before=None if _before is None else _before.stage, stage_after=after.stage)

    def _announced(self, after: Rollout, kind: str, reason: str) -> RolloutMoved:
        share = after.at.share if after.is_watched else 0.0
        state, by = after.state.value, self._actor.name
        return RolloutMoved(after.automation, after.number, after.arm, kind, state, share, by, reason, at=self._now)

    def _audited(self, one: Rollout) -> dict[str, Any]:
        return {
            "rollout": one.number,
            "candidate": str(one.candidate),
            "state": one.state.value,
            "stage": one.stage,
            "split": one.split,
        }
