"""The watcher: a worker's look at one rollout. It counts, decides, and moves the rollout, all in one transaction."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from msgspec import convert, to_builtins

from andon import serving
from andon.decisions import ConsumerBusy
from andon.kernel.db import Tx
from andon.rollouts import store
from andon.rollouts.counting import RolloutCounter
from andon.rollouts.declared import service_level_of
from andon.rollouts.domain import Rollout, RolloutState
from andon.rollouts.evidence import CASES
from andon.rollouts.guardrails import GuardrailKind, WatchedGuardrail, guardrails_of
from andon.rollouts.moving import Mover
from andon.rollouts.sentences import harm_sentence, shown_sentence, waiting_sentence
from andon.rollouts.states import GuardrailState, harm_bound, harm_evidence, judge, note_point, step_name
from andon.trials import CaseStanding, TrialKey, TrialWatcher, changed_ground, lease_runs_out


class RolloutWatcher(TrialWatcher[RolloutCounter]):
    """Watches the rollouts of an installation."""

    def _watched(self, tx: Tx) -> list[TrialKey]:
        return store.watched(tx)

    def _look_at(self, tx: Tx, key: TrialKey, now: datetime) -> bool:
        rollout = store.find(tx, *key, for_update=True)
        if rollout is None or not rollout.state.is_watched:
            return False
        serving.hold(tx, rollout.automation)
        mover = Mover(tx, self._events, now)
        changed = changed_ground(tx, rollout)
        if changed is not None:
            mover.withdraw(rollout, changed.reason, {}, by_itself=True, keep_split=changed.by_split)
            return False
        trouble = self._trouble(tx, rollout.id, rollout.automation, rollout.stage_at, now)
        if trouble:
            mover.withdraw(rollout, trouble, {}, by_itself=True)
            return False
        if lease_runs_out(tx, rollout, rollout.plan.dead_man, now):
            mover.renew(rollout)
        service = service_level_of(tx, rollout.automation)
        guardrails = guardrails_of(rollout.plan, service)
        kept = store.tests_of(tx, rollout.id)
        states = {one.name: GuardrailState.of(kept.get(one.name)) for one in guardrails}
        counter = self._kept.setdefault(key, RolloutCounter(rollout))
        cases = convert(kept[CASES], CaseStanding)
        try:
            took = counter.count(tx, rollout, guardrails, states, cases, service, now)
        except ConsumerBusy:  # a worker that lost its lease finishes what it began
            return False
        steps = [share for share in rollout.plan.stages if share]
        following = rollout.at.following or 100.0
        if took.counted:
            for one in guardrails:
                judge(one, states[one.name], steps)
                note_point(one, states[one.name], following, now)
            bodies = {name: state.body() for name, state in states.items()}
            store.save_tests(tx, rollout.id, {**bodies, CASES: to_builtins(cases)})
        seen = replace(rollout, seen=rollout.seen + took.candidate, shadowed_to=took.shadowed_to)
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
        """Roll back on harm, advance if everything is good enough, otherwise state what is missing.

        Return the rollout.
        """
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


def missing_of(
    rollout: Rollout, guardrails: list[WatchedGuardrail], states: Mapping[str, GuardrailState], now: datetime
) -> list[str]:
    """Return what a stage still lacks, in words; nothing if the rollout may continue."""
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
