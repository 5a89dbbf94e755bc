"""Moves of a rollout. Each is one step in the caller's transaction, with all of its consequences.

These are traffic, state, event, audit entry and announcement. Whoever moves a rollout has locked it, so of two
concurrent moves one waits and then sees the result of the other.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any

from msgspec import to_builtins

from andon import audit, decisions, gates, models, policies, serving
from andon.decisions import ConsumerNotFound, Feed, Start
from andon.gates import GateRevision
from andon.kernel.db import Tx
from andon.kernel.events import Events
from andon.kernel.identity import PLATFORM, Actor
from andon.kernel.reasons import LONGEST
from andon.models import CHAMPION
from andon.rollouts import store
from andon.rollouts.alerting import alert_of_rollback, end_alert
from andon.rollouts.domain import Rollout, RolloutEvent, RolloutState
from andon.rollouts.evidence import CASES
from andon.rollouts.published import RolloutMoved
from andon.serving import Candidate, TrafficLease
from andon.trials import CaseStanding

WATCHER = "worker"
"""The holder of leases."""

_OVER = "The rollout was over"


class Mover:
    """Moves rollouts in one transaction, at one moment, in the name of one actor."""

    def __init__(self, tx: Tx, events: Events, now: datetime, actor: Actor = PLATFORM) -> None:
        self._tx, self._events, self._now, self._actor = tx, events, now, actor

    def add(self, made: Rollout) -> Rollout:
        """Write a new rollout, which nobody watches yet."""
        end_alert(self._tx, made, events=self._events, now=self._now)
        store.add(self._tx, made)
        self._note(None, made, "start", made.reason, {})
        return made

    def begin(self, rollout: Rollout, reason: str) -> Rollout:
        """Let the candidate run as a shadow, with freshly drawn units; from now on it is watched."""
        self._pass_gate(gates.give, rollout, reason)
        self._read_from_here(rollout)
        begun = replace(
            rollout,
            state=RolloutState.RUNNING,
            stage_at=self._now,
            shadowed_to=serving.shadow_position(self._tx),
            why="The candidate runs as a shadow",
            split=self._split(rollout, 0.0, looks_on=True, reason=reason),
        )
        self._renew(begun)
        return self._moved(rollout, begun, "begin", reason, {})

    def advance(self, rollout: Rollout, reason: str, evidence: Mapping[str, Any]) -> Rollout:
        """Give the candidate the share of its next stage."""
        reason, following = written(reason), rollout.at.following or 0.0
        grown = replace(
            rollout,
            stage=rollout.stage + 1,
            stage_at=self._now,
            seen=0,
            split=self._split(rollout, following, looks_on=False, reason=reason),
            why=f"The candidate has {following:g}% of the traffic",
        )
        self._renew(grown)
        return self._moved(rollout, grown, "advance", reason, evidence)

    def promote(self, rollout: Rollout, reason: str, evidence: Mapping[str, Any]) -> Rollout:
        """Make the candidate the champion, put its policy and gate in force, and end the rollout and its split."""
        candidate, now, reason = rollout.candidate, self._now, written(reason)
        policies.hold(self._tx, rollout.automation)
        gates.hold(self._tx, rollout.automation)
        if candidate.version != rollout.champion:
            models.set_alias(
                self._tx,
                rollout.model,
                CHAMPION,
                candidate.version,
                actor=self._actor,
                reason=reason,
                events=self._events,
                now=now,
            )
        if candidate.policy:
            policies.put_in_force(
                self._tx,
                rollout.automation,
                candidate.policy,
                actor=self._actor,
                reason=reason,
                now=now,
                events=self._events,
            )
        self._pass_gate(gates.take_over, rollout, reason)
        split = self._split(rollout, 0.0, looks_on=False, reason=reason)
        return self._end(replace(rollout, split=split), RolloutState.PROMOTED, "promote", reason, evidence)

    def complete(self, rollout: Rollout, reason: str, evidence: Mapping[str, Any]) -> Rollout:
        """End a rollout that was for shadows only."""
        reason = written(reason)
        split = self._split(rollout, 0.0, looks_on=False, reason=reason)
        return self._end(replace(rollout, split=split), RolloutState.COMPLETED, "complete", reason, evidence)

    def withdraw(
        self, rollout: Rollout, reason: str, evidence: Mapping[str, Any], *, by_itself: bool, keep_split: bool = False
    ) -> Rollout:
        """Take all traffic away from the candidate and end the rollout. Needs neither the candidate nor a worker.

        The lease ends immediately as well: gateways follow that without building a line. `keep_split` keeps somebody
        else's split.
        """
        reason = written(reason)
        if by_itself:
            alert_of_rollback(self._tx, rollout, reason, evidence, events=self._events, now=self._now)
        if rollout.state.is_watched:
            serving.set_lease(self._tx, TrafficLease(rollout.automation, rollout.split, WATCHER, self._now))
            if not keep_split:
                split = self._split(rollout, 0.0, looks_on=False, reason=reason)
                rollout = replace(rollout, split=split)
        state, kind = (RolloutState.ROLLED_BACK, "roll_back") if by_itself else (RolloutState.ABORTED, "abort")
        return self._end(rollout, state, kind, reason, evidence)

    def pause(self, rollout: Rollout, reason: str) -> Rollout:
        """Keep the candidate's share unchanged; harm still ends the rollout."""
        return self._moved(
            rollout,
            replace(rollout, state=RolloutState.PAUSED, why=f"Paused by {self._actor.name}"),
            "pause",
            reason,
            {},
        )

    def resume(self, rollout: Rollout, reason: str) -> Rollout:
        """Continue where it was paused."""
        return self._moved(
            rollout,
            replace(rollout, state=RolloutState.RUNNING, why=f"Resumed by {self._actor.name}"),
            "resume",
            reason,
            {},
        )

    def approve(self, rollout: Rollout, reason: str) -> Rollout:
        """Record the approval, and begin."""
        gates.hold(self._tx, rollout.automation)
        approved = replace(rollout, approved_by=self._actor.name)
        self._note(rollout, approved, "approve", reason, {})
        return self.begin(approved, rollout.reason)

    def renew(self, rollout: Rollout) -> None:
        """Extend the candidate's lease, as it is watched."""
        self._renew(rollout)

    def _renew(self, rollout: Rollout) -> None:
        until = self._now + rollout.plan.dead_man
        serving.set_lease(self._tx, TrafficLease(rollout.automation, rollout.split, WATCHER, until))

    def _split(self, rollout: Rollout, share: float, *, looks_on: bool, reason: str) -> int:
        """Split the traffic. Return the number of the split."""
        candidate, champion = rollout.candidate, serving.champion_of(self._tx, rollout.model)
        answering = {Candidate(champion)} if champion is not None else set()
        others = [one for one in rollout.shadows_before if one != candidate and one not in answering]
        made = serving.set_split(
            self._tx,
            rollout.automation,
            rollout.model,
            shares={candidate: share} if share else {},
            shadows=[*others, candidate] if looks_on else others,
            actor=self._actor,
            reason=reason,
            events=self._events,
            now=self._now,
            seen=rollout.split,
            salt=rollout.salt,
            unit=rollout.plan.unit,
        )
        return made.number

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

    def _read_from_here(self, rollout: Rollout) -> None:
        Feed(rollout.consumer, automations=[rollout.automation], start=Start.NOW).claim(self._tx)
        cases = CaseStanding.from_here(self._tx, self._now)
        store.save_tests(self._tx, rollout.id, {CASES: to_builtins(cases)})

    def _end(
        self, rollout: Rollout, state: RolloutState, kind: str, reason: str, evidence: Mapping[str, Any]
    ) -> Rollout:
        ended = replace(rollout, state=state, ended_at=self._now, ended_by=self._actor.name, why=reason)
        store.forget_units(self._tx, rollout.id)
        with suppress(ConsumerNotFound):  # a rollout that waited for its approval never began
            decisions.reset_consumer(self._tx, rollout.consumer, None, actor=self._actor, reason=_OVER, now=self._now)
        return self._moved(rollout, ended, kind, reason, evidence)

    def _moved(self, before: Rollout, after: Rollout, kind: str, reason: str, evidence: Mapping[str, Any]) -> Rollout:
        store.save(self._tx, after)
        self._note(before, after, kind, reason, evidence)
        return after

    def _note(
        self, before: Rollout | None, after: Rollout, kind: str, reason: str, evidence: Mapping[str, Any]
    ) -> None:
        store.add_event(
            self._tx,
            after.id,
            RolloutEvent(
                0,
                self._now,
                kind,
                None if before is None else before.state,
                after.state,
                None if before is None else before.stage,
                after.stage,
                self._actor.name,
                reason,
                evidence,
            ),
        )
        audit.record(
            self._tx,
            actor=self._actor,
            action=f"rollout.{kind}",
            subject=f"automation:{after.automation}",
            at=self._now,
            reason=reason,
            before=None if before is None else _audited(before),
            after={**_audited(after), **evidence},
        )
        share = after.at.share if after.state.is_watched else 0.0
        state, arm = after.state.value, after.arm
        self._events.publish(
            self._tx,
            RolloutMoved(
                after.automation, after.number, arm, kind, state, share, self._actor.name, reason, at=self._now
            ),
        )


def written(reason: str) -> str:
    """Return a reason as the audit log accepts it, whatever error it quotes: printable, and not too long."""
    plain = "".join(c if c.isprintable() else " " for c in reason)
    return plain if len(plain) <= LONGEST else f"{plain[: LONGEST - 1]}…"


def _audited(rollout: Rollout) -> dict[str, Any]:
    return {
        "rollout": rollout.number,
        "candidate": str(rollout.candidate),
        "state": rollout.state.value,
        "stage": rollout.stage,
        "split": rollout.split,
    }
