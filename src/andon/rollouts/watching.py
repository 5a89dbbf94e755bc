"""The watcher of rollouts: it counts, rolls back, advances, or says what is missing."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from andon.kernel.db import Tx
from andon.rollouts.counting import RolloutCounter
from andon.rollouts.declared import service_level_of
from andon.rollouts.domain import ROLLOUTS, Rollout, RolloutEvent, RolloutState
from andon.rollouts.guardrails import GuardrailKind, WatchedGuardrail, guardrails_of
from andon.rollouts.moving import RolloutMover
from andon.rollouts.sentences import harm_sentence, shown_sentence, waiting_sentence
from andon.rollouts.states import GuardrailState, harm_bound, harm_evidence, judge, note_point, step_name
from andon.trials import CaseStanding, TrialWatcher, counts_of, save_counts


class RolloutWatcher(TrialWatcher[Rollout, RolloutEvent, RolloutCounter]):
    """Watches the rollouts of an installation."""

    chore = "watch_rollouts"
    _store = ROLLOUTS
    _mover = RolloutMover
    _counter = RolloutCounter

    def _judge(self, tx: Tx, one: Rollout, counter: RolloutCounter, cases: CaseStanding, now: datetime) -> bool:
        service = service_level_of(tx, one.automation)
        guardrails = guardrails_of(one.plan, service)
        kept = counts_of(tx, one.id)
        states = {each.name: GuardrailState.of(kept.get(each.name)) for each in guardrails}
        took = counter.count(tx, one, guardrails, states, cases, service, now)
        if took.counted:
            for each in guardrails:
                judge(each, states[each.name], [share for share in one.plan.stages if share])
                note_point(each, states[each.name], one.at.following or 100.0, now)
            save_counts(tx, one.id, {name: state.body() for name, state in states.items()})
        seen = replace(one, seen=one.seen + took.candidate, shadowed_to=took.shadowed_to)
        decided = self._decide(RolloutMover(tx, self._events, now), seen, guardrails, states, now)
        if decided != one:
            ROLLOUTS.save(tx, decided)
        return took.more

    def _decide(
        self,
        mover: RolloutMover,
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
            return mover.roll_back(rollout, harm_sentence(harmful, state), _evidence(harmful, state))
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
    waiting = states["wrong"].pairs.waiting if rollout.at.is_shadow and "wrong" in states else 0
    if waiting:
        missing.append(f"the true class of {waiting:,} decisions on which it predicts another")
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
