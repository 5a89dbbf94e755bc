"""Standings: each guardrail of a rollout as people see it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from andon import evidence
from andon.kernel.db import Tx
from andon.rollouts.declared import service_level_of
from andon.rollouts.domain import Rollout
from andon.rollouts.forecasts import spoken
from andon.rollouts.guardrails import WatchedGuardrail, guardrails_of
from andon.rollouts.sentences import figures
from andon.rollouts.states import GuardrailState, harm_bound, harm_evidence, sound_evidence, step_name
from andon.trials import counts_of


@dataclass(frozen=True, slots=True)
class GuardrailStanding:
    """One guardrail now: its figures, and its evidence with its bounds, as natural logarithms.

    `sound` is about the next step; `is_sound` tells whether it is shown.
    """

    guardrail: WatchedGuardrail
    state: GuardrailState
    figures: str
    harm: float
    harm_bound: float
    sound: float
    sound_bound: float
    is_sound: bool


def standings(tx: Tx, rollout: Rollout) -> Sequence[GuardrailStanding]:
    """Return every guardrail of a rollout, those with harm shown first."""
    guardrails = guardrails_of(rollout.plan, service_level_of(tx, rollout.automation))
    kept = counts_of(tx, rollout.id)
    age = evidence.age_of(tx, rollout.automation) / timedelta(hours=1)
    found = [_standing(rollout, one, GuardrailState.of(kept.get(one.name)), age) for one in guardrails]
    return sorted(found, key=lambda one: not one.state.harmed)


def _standing(rollout: Rollout, one: WatchedGuardrail, state: GuardrailState, age: float) -> GuardrailStanding:
    following = rollout.at.following or 100.0
    sound, bound = sound_evidence(one, state, following)
    return GuardrailStanding(
        guardrail=one,
        state=state,
        figures=figures(one, state) + (f"; decisions count after {spoken(age)}" if one.of_cases else ""),
        harm=harm_evidence(one, state),
        harm_bound=harm_bound(one),
        sound=sound,
        sound_bound=bound,
        is_sound=step_name(following) in state.shown,
    )
