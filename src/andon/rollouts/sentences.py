"""Sentences about rollouts, for people and the audit log. Pure."""

from collections.abc import Mapping, Sequence

from andon.rollouts.domain import Rollout
from andon.rollouts.guardrails import GuardrailKind, WatchedGuardrail
from andon.rollouts.quantiles import newest_quantiles
from andon.rollouts.states import ArmTally, GuardrailState, PairTally, harm_bound, harm_evidence


def harm_sentence(guardrail: WatchedGuardrail, state: GuardrailState) -> str:
    """State which guardrail showed harm, with its figures."""
    found, bound = harm_evidence(guardrail, state), harm_bound(guardrail)
    return (
        f"{guardrail.name} shows harm ({guardrail.what}): {figures(guardrail, state)}; "
        f"evidence {found:.1f}, bound {bound:.1f}"
    )


def shown_sentence(
    rollout: Rollout, guardrails: Sequence[WatchedGuardrail], states: Mapping[str, GuardrailState]
) -> str:
    """State the figures that passed a stage."""
    required = [
        f"{one.name} {figures(one, states[one.name])}"
        for one in guardrails
        if one.required and (one.kind is GuardrailKind.LIMIT) == rollout.at.is_shadow
    ]
    shown = "; ".join(required) or "nothing was required"
    return f"Good enough for {goal(rollout)} after {rollout.seen:,} decisions of the candidate: {shown}"


def waiting_sentence(rollout: Rollout, missing: Sequence[str]) -> str:
    """State what a stage waits for."""
    return f"For {goal(rollout)} it waits for: {', '.join(missing)}" if missing else rollout.why


def goal(rollout: Rollout) -> str:
    """Name what comes after the stage."""
    if rollout.plan.kind == "shadow":
        return "the end"
    return "promotion" if rollout.at.following == 100.0 else f"{rollout.at.following:g}% of the traffic"


def figures(guardrail: WatchedGuardrail, state: GuardrailState) -> str:
    """State the figures of both sides, the candidate first."""
    if guardrail.kind is GuardrailKind.LIMIT:
        return f"{_rate(state.candidate.total, state.candidate.units)}, limit {guardrail.margin:.0%}"
    if guardrail.kind is GuardrailKind.RATE:
        told = [_rate(*side.rate(guardrail)) for side in (state.candidate, state.control)]
        left = state.candidate.open + state.control.open
        open_ones = f"; {left:,} still open at their age" if left else ""
        return " against ".join(told) + open_ones + _pairs(state.pairs)
    if guardrail.kind is GuardrailKind.QUANTILE:
        return _quantiles(guardrail, state)
    return f"{_mean(state.candidate)} against {_mean(state.control)}"


def _rate(events: float, among: int) -> str:
    if not among:
        return "nothing yet"
    return f"{events / among:.2%} ({events:,.0f} of {among:,})"


def _pairs(pairs: PairTally) -> str:
    if not pairs.judged and not pairs.asked:
        return ""
    right = f"the candidate was right {pairs.candidate:,} times, the champion {pairs.champion:,}"
    rest = f", neither {pairs.neither:,}, still open {pairs.open:,}"
    asked = f"; people were asked about {pairs.asked:,}" if pairs.asked else ""
    return f"; where they predicted otherwise, {right}{rest} (of {pairs.judged:,}{asked})"


def _quantiles(guardrail: WatchedGuardrail, state: GuardrailState) -> str:
    found = newest_quantiles(guardrail, state.stages)
    if found is None:
        return "nothing yet"
    candidate, control = (f"{seconds * 1000:.3g} ms" for seconds in found)
    return f"{candidate} against {control} (of {state.candidate.units:,} and {state.control.units:,})"


def _mean(tally: ArmTally) -> str:
    return "nothing yet" if not tally.units else f"{tally.total / tally.units:.4g} (of {tally.units:,})"
