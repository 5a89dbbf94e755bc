"""Moves of a trial. Each is one step in the caller's transaction, with all of its consequences.

These are traffic, state, event, audit entry and announcement. Whoever moves a trial has locked it, so of two concurrent
moves one waits and then sees the result of the other.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Generic

from msgspec import to_builtins

from andon import audit, decisions, models, policies, serving
from andon.decisions import ConsumerNotFound, Feed, Start
from andon.kernel.db import Tx
from andon.kernel.events import DomainEvent, Events
from andon.kernel.identity import PLATFORM, Actor
from andon.kernel.reasons import LONGEST
from andon.models import CHAMPION
from andon.serving import Candidate, TrafficLease
from andon.trials import store
from andon.trials.cases import CASES, CaseStanding
from andon.trials.store import One, Step, TrialStore

WATCHER = "worker"
"""The holder of leases."""


class TrialMover(ABC, Generic[One, Step]):
    """Moves trials of one kind in one transaction, at one moment, in the name of one actor."""

    _store: TrialStore[One, Step]

    def __init__(self, tx: Tx, events: Events, now: datetime, actor: Actor = PLATFORM) -> None:
        self._tx, self._events, self._now, self._actor = tx, events, now, actor

    def renew(self, one: One) -> None:
        """Renew the lease that lets the arms keep their traffic while they are watched."""
        serving.set_lease(self._tx, TrafficLease(one.automation, one.split, WATCHER, self._now + one.dead_man))

    @abstractmethod
    def withdraw_because(self, one: One, why: str, *, keep_split: bool = False) -> One:
        """Take all traffic away from the arms, as their ground changed or a process cannot follow."""

    @abstractmethod
    def _event(self, _before: One | None, after: One, step: Mapping[str, Any]) -> Step:
        """Return the event of a step; `step` has what all kinds have."""

    @abstractmethod
    def _announced(self, after: One, kind: str, reason: str) -> DomainEvent:
        """Return what the world is told about a step."""

    @abstractmethod
    def _audited(self, one: One) -> dict[str, Any]:
        """Return what the audit log keeps of a trial."""

    def _listen(self, one: One) -> None:
        """Read decisions and cases from here on."""
        Feed(one.consumer, automations=[one.automation], start=Start.NOW).claim(self._tx)
        cases = CaseStanding.from_here(self._tx, self._now)
        store.save_counts(self._tx, one.id, {CASES: to_builtins(cases)})

    def _split(
        self, one: One, shares: Mapping[Candidate, float], reason: str, *, looking_on: Iterable[Candidate] = ()
    ) -> int:
        """Split the traffic. Return the number of the split."""
        champion, more = serving.champion_of(self._tx, one.model), list(looking_on)
        answering = {*shares, *more, *([] if champion is None else [Candidate(champion)])}
        made = serving.set_split(
            self._tx,
            one.automation,
            one.model,
            shares=shares,
            shadows=[*(shadow for shadow in one.shadows_before if shadow not in answering), *more],
            actor=self._actor,
            reason=reason,
            events=self._events,
            now=self._now,
            seen=one.split,
            salt=one.salt,
            unit=one.unit,
        )
        return made.number

    def _take_over(self, one: One, candidate: Candidate, reason: str) -> None:
        """Make a candidate the champion, and put its policy in force."""
        named: dict[str, Any] = {"actor": self._actor, "reason": reason, "events": self._events, "now": self._now}
        policies.hold(self._tx, one.automation)
        models.hold(self._tx, one.model)
        if candidate.version != one.champion:
            models.set_alias(self._tx, one.model, CHAMPION, candidate.version, **named)
        if candidate.policy:
            policies.put_in_force(self._tx, one.automation, candidate.policy, **named)

    def _withdraw(self, one: One, reason: str, *, keep_split: bool) -> One:
        """Take all traffic away. The lease ends immediately: gateways follow that without building a line."""
        serving.set_lease(self._tx, TrafficLease(one.automation, one.split, WATCHER, self._now))
        return one if keep_split else replace(one, split=self._split(one, {}, reason))

    def _end(self, before: One, after: One, state: StrEnum, kind: str, reason: str, evidence: Mapping[str, Any]) -> One:
        ended = replace(after, state=state, ended_at=self._now, ended_by=self._actor.name, why=reason)
        store.forget(self._tx, before.id)
        over = f"The {before.kind} was over"
        with suppress(ConsumerNotFound):  # a rollout that waited for its approval never began
            decisions.reset_consumer(self._tx, before.consumer, None, actor=self._actor, reason=over, now=self._now)
        return self._moved(before, ended, kind, reason, evidence)

    def _moved(self, before: One, after: One, kind: str, reason: str, evidence: Mapping[str, Any]) -> One:
        self._store.save(self._tx, after)
        self._note(before, after, kind, reason, evidence)
        return after

    def _note(self, before: One | None, after: One, kind: str, reason: str, evidence: Mapping[str, Any]) -> None:
        step = {
            "at": self._now,
            "kind": kind,
            "state_before": None if before is None else before.state,
            "state_after": after.state,
            "by": self._actor.name,
            "reason": reason,
            "evidence": evidence,
        }
        self._store.add_event(self._tx, after.id, self._event(before, after, step))
        audit.record(
            self._tx,
            actor=self._actor,
            action=f"{after.kind}.{kind}",
            subject=f"automation:{after.automation}",
            at=self._now,
            reason=reason,
            before=None if before is None else self._audited(before),
            after={**self._audited(after), **evidence},
        )
        self._events.publish(self._tx, self._announced(after, kind, reason))


def written(reason: str) -> str:
    """Return a reason as the audit log accepts it, whatever error it quotes: printable, and not too long."""
    plain = "".join(c if c.isprintable() else " " for c in reason)
    return plain if len(plain) <= LONGEST else f"{plain[: LONGEST - 1]}…"
