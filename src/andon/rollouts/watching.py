"""The watcher: a worker's look at one rollout. It counts, decides, and moves the rollout, all in one transaction."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from andon import live, policies, serving
from andon.decisions import ConsumerBusy
from andon.kernel.db import Tx
from andon.kernel.events import Events
from andon.rollouts import store
from andon.rollouts.counting import RolloutCounter
from andon.rollouts.declared import service_level_of
from andon.rollouts.domain import Rollout, RolloutState
from andon.rollouts.guardrails import GuardrailKind, WatchedGuardrail, guardrails_of
from andon.rollouts.moving import Mover
from andon.rollouts.sentences import harm_sentence, shown_sentence, waiting_sentence
from andon.rollouts.states import GuardrailState, harm_bound, harm_evidence, judge, note_point, step_name

ASKED_EVERY = timedelta(seconds=4)
"""How often it is looked whether every process can follow, and how long they have for that: twice the time between their reports."""

RENEWED_AT = 2 / 3
"""A lease is renewed when less than this part of it is left."""


class RolloutWatcher:
    """Watches the rollouts of an installation in turn, one in each transaction. One object a worker."""

    def __init__(self, events: Events) -> None:
        self._events = events
        self._counters: dict[tuple[str, int], RolloutCounter] = {}
        self._last: tuple[str, int] | None = None
        self._asked: dict[UUID, datetime] = {}

    def look(self, tx: Tx, now: datetime) -> bool:
        """Look at the next rollout; whether there may be more to do at once."""
        open_ones = store.watched(tx)
        self._counters = {key: one for key, one in self._counters.items() if key in open_ones}
        if not open_ones:
            return False
        behind = open_ones.index(self._last) + 1 if self._last in open_ones else 0
        self._last = open_ones[behind % len(open_ones)]
        more = self._look_at(tx, self._last, now)
        return more or self._last != open_ones[-1]

    def _look_at(self, tx: Tx, key: tuple[str, int], now: datetime) -> bool:
        rollout = store.find(tx, *key, for_update=True)
        if rollout is None or not rollout.state.is_watched:
            return False
        serving.hold(tx, rollout.automation)
        mover = Mover(tx, self._events, now)
        if self._is_overtaken(tx, rollout, mover):
            return False
        trouble = self._trouble(tx, rollout, now)
        if trouble:
            mover.withdraw(rollout, trouble, {}, by_itself=True)
            return False
        lease = serving.leases(tx).get(rollout.automation)
        if lease is None or lease.split != rollout.split or lease.expires_at - now < RENEWED_AT * rollout.plan.dead_man:
            mover.renew(rollout)
        service = service_level_of(tx, rollout.automation)
        guardrails = guardrails_of(rollout.plan, service)
        kept = store.tests_of(tx, rollout.id)
        states = {one.name: GuardrailState.of(kept.get(one.name)) for one in guardrails}
        counter = self._counters.setdefault(key, RolloutCounter(rollout))
        try:
            took = counter.count(tx, rollout, guardrails, states, service, now)
        except ConsumerBusy:  # a worker that lost its lease ends what it had begun
            return False
        steps = [share for share in rollout.plan.stages if share]
        following = rollout.at.following or 100.0
        if took.counted:
            for one in guardrails:
                judge(one, states[one.name], steps)
                note_point(one, states[one.name], following, now)
            store.save_tests(tx, rollout.id, {name: state.body() for name, state in states.items()})
        seen = replace(rollout, seen=rollout.seen + took.candidate, shadowed_to=took.shadowed_to or rollout.shadowed_to)
        decided = self._decide(mover, seen, guardrails, states, now)
        if decided != rollout:
            store.save(tx, decided)
        return took.more

    def _decide(
        self,
        mover: Mover,
        rollout: Rollout,
        guardrails: list[WatchedGuardrail],
        states: Mapping[str, GuardrailState],
        now: datetime,
    ) -> Rollout:
        """Roll back what harms, move on what is good enough, and say what is missing otherwise; the rollout after that."""
        harmful = next((one for one in guardrails if states[one.name].harmed), None)
        if harmful is not None:
            state = states[harmful.name]
            return mover.withdraw(rollout, harm_sentence(harmful, state), _evidence(harmful, state), by_itself=True)
        missing = missing_of(rollout, guardrails, states, now)
        if missing or rollout.state is not RolloutState.RUNNING:
            why = rollout.why if rollout.state is RolloutState.PAUSED else waiting_sentence(rollout, missing)
            return replace(rollout, why=why)
        reason = shown_sentence(rollout, guardrails, states)
        evidence = {"seen": rollout.seen, "guardrails": [one.name for one in guardrails if one.required]}
        if rollout.plan.kind == "shadow":
            return mover.complete(rollout, reason, evidence)
        if rollout.at.following == 100.0:
            return mover.promote(rollout, reason, evidence)
        return mover.advance(rollout, reason, evidence)

    def _trouble(self, tx: Tx, rollout: Rollout, now: datetime) -> str:
        """Say which process cannot follow the rollout, as when it cannot load the candidate; empty if all can, as far as is known."""
        if now < self._asked.get(rollout.id, rollout.stage_at) + ASKED_EVERY:
            return ""
        self._asked[rollout.id] = now
        for process in live.processes(tx, now):
            why = process.status.behind.get(rollout.automation)
            if why is not None and process.seen_at >= rollout.stage_at + ASKED_EVERY:
                return f"The {process.part} {process.host}/{process.pid} cannot follow: {why}"
        return ""

    def _is_overtaken(self, tx: Tx, rollout: Rollout, mover: Mover) -> bool:
        """End a rollout whose ground has changed: another split, another champion, another policy in force."""
        split = serving.split_of(tx, rollout.automation, rollout.model)
        champion = serving.champion_of(tx, rollout.model)
        in_force = policies.in_force(tx, rollout.automation)
        now_in_force = "" if in_force is None else in_force.version
        if split.number != rollout.split:
            reason = f"The traffic was split by {split.set_by} meanwhile: {split.reason}"
        elif champion != rollout.champion:
            reason = f"The champion of {rollout.model} is version {champion} meanwhile"
        elif now_in_force != rollout.in_force:
            reason = f"Policy {now_in_force} was put in force meanwhile"
        else:
            return False
        mover.withdraw(rollout, reason, {}, by_itself=True, keep_split=split.number != rollout.split)
        return True


def missing_of(
    rollout: Rollout, guardrails: list[WatchedGuardrail], states: Mapping[str, GuardrailState], now: datetime
) -> list[str]:
    """Return what a stage still lacks, in words; nothing if the rollout may go on."""
    missing = []
    if rollout.seen < rollout.plan.stage_decisions:
        missing.append(f"{rollout.plan.stage_decisions - rollout.seen:,} more decisions of the candidate in this stage")
    ends = rollout.stage_at + rollout.plan.stage_time
    if now < ends:
        missing.append(f"time until {ends:%H:%M:%S} UTC")
    for one in guardrails:
        if one.required and (one.kind is GuardrailKind.LIMIT) == rollout.at.is_shadow:
            step = step_name(rollout.at.following or 100.0)
            if step not in states[one.name].shown:
                missing.append(one.name)
    return missing


def _evidence(guardrail: WatchedGuardrail, state: GuardrailState) -> dict[str, Any]:
    return {
        "guardrail": guardrail.name,
        "log_e": round(harm_evidence(guardrail, state), 4),
        "bound": round(harm_bound(guardrail), 4),
        "candidate": [state.candidate.decisions, state.candidate.units, state.candidate.total],
        "control": [state.control.decisions, state.control.units, state.control.total],
        "decisions": state.evidence["candidate"],
    }
