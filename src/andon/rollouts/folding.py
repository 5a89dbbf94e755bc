"""Folding: events of decisions, shadows and labels are added to the state of their guardrail. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias
from uuid import UUID

import numpy as np

from andon.rollouts.evidence import EVEN, GuardrailEvent, JudgedPair, is_first
from andon.rollouts.guardrails import GuardrailKind, WatchedGuardrail
from andon.rollouts.quantiles import stages_of, step_after, with_values
from andon.rollouts.states import MOST_EVIDENCE, GuardrailState, step_name

EventsByShare: TypeAlias = Mapping[float, tuple[int, int]]
"""Events of the candidate and of the control, by the candidate's share."""

_ALONE_WRONG = {"champion": "candidate", "candidate": "control"}


def fold(
    guardrail: WatchedGuardrail, state: GuardrailState, events: Sequence[GuardrailEvent], steps: Sequence[float]
) -> None:
    """Add events of units that were not counted before; `steps` are the percents of all steps."""
    if not events:
        return
    match guardrail.kind:
        case GuardrailKind.RATE if guardrail.of_cases:
            _fold_cases(guardrail, state, events, steps)
        case GuardrailKind.RATE:
            _fold_rate(guardrail, state, events, steps)
        case GuardrailKind.LIMIT:
            _fold_limit(guardrail, state, events)
        case GuardrailKind.MEAN:
            _fold_mean(guardrail, state, events, steps)
        case GuardrailKind.QUANTILE:
            _fold_quantile(guardrail, state, events, steps)


def count_decisions(state: GuardrailState, *, candidate: int, control: int) -> None:
    """Count decisions of both sides, whether or not they had a problem."""
    state.candidate.decisions += candidate
    state.control.decisions += control


def fold_pairs(
    guardrail: WatchedGuardrail, state: GuardrailState, pairs: Sequence[JudgedPair], steps: Sequence[float]
) -> None:
    """Add decisions that both sides saw, of which one was wrong alone: an event at an even share.

    If neither is right, that says nothing. While a verdict is open, it speaks against each test's own conclusion.
    A rate ratio among events of one side alone is further from 1 than that of all events, so a candidate that is
    within its margin by these is within it.
    """
    if not pairs:
        return
    right = Counter(one.right for one in pairs)
    for name, count in right.items():
        setattr(state.pairs, name, getattr(state.pairs, name) + count)
    for one in pairs:
        if one.right in _ALONE_WRONG:
            _name(state, _ALONE_WRONG[one.right], one.id)
    wrong, is_open = (right["champion"], right["candidate"]), right["open"]
    _fold_harm(guardrail, state, {EVEN: (wrong[0], wrong[1] + is_open)})
    _fold_sound(guardrail, state, {EVEN: (wrong[0] + is_open, wrong[1])}, steps)


def _fold_cases(
    guardrail: WatchedGuardrail, state: GuardrailState, events: Sequence[GuardrailEvent], steps: Sequence[float]
) -> None:
    """Add cases, each with what it says in a test of harm and in one of soundness."""
    for one in events:
        is_open = one.value != one.for_sound
        _tally(state, one, named=one.value > 0 and not is_open)
        side = state.candidate if one.of.is_candidate else state.control
        side.open += is_open
        side.total -= one.value if is_open else 0.0
    _fold_harm(guardrail, state, _by_share(one for one in events if one.value > 0))
    _fold_sound(guardrail, state, _by_share(one for one in events if one.for_sound > 0), steps)


def _fold_rate(
    guardrail: WatchedGuardrail, state: GuardrailState, events: Sequence[GuardrailEvent], steps: Sequence[float]
) -> None:
    """Add events of a rate: a unit's first event for harm, any event in its first decision for soundness.

    For soundness, first events would favour the worse arm, whose frequent units leave the count sooner.
    """
    firsts = [one for one in events if is_first(one)]
    mine = [one for one in firsts if one.of.is_candidate]
    state.first = state.first[0] + len(mine), state.first[1] + sum(one.value > 0 for one in mine)
    counted = [one for one in events if not is_first(one)]
    for one in counted:
        _tally(state, one)
    _fold_harm(guardrail, state, _by_share(counted))
    _fold_sound(guardrail, state, _by_share(one for one in firsts if one.value > 0), steps)


def _fold_harm(guardrail: WatchedGuardrail, state: GuardrailState, happened: EventsByShare) -> None:
    harm = guardrail.harm_by_rate()
    for share, (candidate, control) in happened.items():
        state.harm = harm.fold(state.harm or harm.start(), candidate, control, share)


def _fold_sound(
    guardrail: WatchedGuardrail, state: GuardrailState, happened: EventsByShare, steps: Sequence[float]
) -> None:
    tests = {step_name(share): guardrail.sound_by_rate(share) for share in steps}
    for share, (candidate, control) in happened.items():
        for name, test in tests.items():
            state.sound[name] = test.fold(state.sound.get(name) or test.start(), candidate, control, share)


def _by_share(events: Iterable[GuardrailEvent]) -> EventsByShare:
    counts: dict[float, list[int]] = defaultdict(lambda: [0, 0])
    for one in events:
        counts[one.of.share][0 if one.of.is_candidate else 1] += 1
    return {share: (candidate, control) for share, (candidate, control) in counts.items()}


def _fold_limit(guardrail: WatchedGuardrail, state: GuardrailState, events: Sequence[GuardrailEvent]) -> None:
    bad = sum(one.value > 0 for one in events)
    for one in events:
        _tally(state, one, named=one.value > 0)
    harm = guardrail.harm_by_rate()
    state.harm = harm.fold(state.harm or harm.start(), bad, len(events) - bad, guardrail.margin)


def _fold_mean(
    guardrail: WatchedGuardrail, state: GuardrailState, events: Sequence[GuardrailEvent], steps: Sequence[float]
) -> None:
    sign = 1.0 if guardrail.better == "lower" else -1.0
    candidate = np.array([one.of.is_candidate for one in events], dtype=np.bool_)
    values = np.array([sign * one.value for one in events], dtype=np.float64)
    for_sound = np.array([sign * one.for_sound for one in events], dtype=np.float64)
    shares = np.array([one.of.share for one in events], dtype=np.float64)
    for one in events:
        _tally(state, one)
    harm = guardrail.harm_by_mean()
    state.harm = harm.fold(state.harm or harm.start(), candidate, values, shares)
    for share in steps:
        test = guardrail.sound_by_mean(share)
        kept = state.sound.get(step_name(share)) or test.start()
        state.sound[step_name(share)] = test.fold(kept, candidate, for_sound, shares)


def _fold_quantile(
    guardrail: WatchedGuardrail, state: GuardrailState, events: Sequence[GuardrailEvent], steps: Sequence[float]
) -> None:
    """Add values to their stages. Those beyond the champion's quantile of their stage are named as evidence."""
    state.stages = state.stages or stages_of(steps)
    by_step: dict[float, list[GuardrailEvent]] = defaultdict(list)
    for one in events:
        by_step[step_after(one.of.share, steps)].append(one)
    for step, some in by_step.items():
        stage = with_values(guardrail, state.stages[step_name(step)], some, step)
        state.stages[step_name(step)] = stage
        slow = stage.bins[1].quantile(guardrail.quantile)
        for one in some:
            _tally(state, one, named=one.value > slow)


def _tally(state: GuardrailState, one: GuardrailEvent, *, named: bool = True) -> None:
    side, name = (state.candidate, "candidate") if one.of.is_candidate else (state.control, "control")
    side.units += 1
    side.total += one.value
    if named:
        _name(state, name, one.of.id)


def _name(state: GuardrailState, side: str, decision: UUID) -> None:
    """Note a decision as evidence of a side."""
    state.evidence[side] = [*state.evidence[side], str(decision)][-MOST_EVIDENCE:]


def by_guardrail(events: Iterable[GuardrailEvent]) -> dict[str, list[GuardrailEvent]]:
    """Group events by their guardrail."""
    found: dict[str, list[GuardrailEvent]] = defaultdict(list)
    for one in events:
        found[one.guardrail].append(one)
    return found
