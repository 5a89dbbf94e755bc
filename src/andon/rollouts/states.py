"""The state of a guardrail: what was counted, the evidence of its tests, and the path of that. Pure; kept as JSON."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from msgspec import Struct, convert, field, to_builtins

from andon.rollouts.evidence import GuardrailEvent, JudgedPair, is_first
from andon.rollouts.guardrails import GuardrailKind, WatchedGuardrail
from andon.rollouts.quantiles import QuantileStage, harm_of_stages, stages_of, step_after, with_values

LONGEST_PATH = 200
"""Points of a path; of a longer one every second is dropped."""

MOST_EVIDENCE = 40
"""Decisions of each side that are named, the newest."""


class ArmTally(Struct):
    """Counts of one side: decisions, and what of them counted for the tests: units, and the sum of their values."""

    decisions: int = 0
    units: int = 0
    total: float = 0.0


class PathPoint(Struct):
    """The evidence at one moment: natural logarithms of E, of harm and of being good enough for the next step."""

    at: datetime
    candidate: int
    control: int
    harm: float
    sound: float


class GuardrailState(Struct):
    """What a guardrail knows. `sound` holds a test for each step ahead; `harmed` and `shown` stay once they are reached.

    `stages` holds the values of a quantile, by the step after each stage. `pairs` is evidence of harm that decisions give which the candidate saw as a shadow and a person judged.
    `first` counts first decisions of the candidate's units, and the events among them. `evidence` holds ids of decisions.
    """

    candidate: ArmTally = field(default_factory=ArmTally)
    control: ArmTally = field(default_factory=ArmTally)
    first: tuple[int, int] = (0, 0)
    harm: list[float] = field(default_factory=list)
    pairs: list[float] = field(default_factory=list)
    sound: dict[str, list[float]] = field(default_factory=dict)
    stages: dict[str, QuantileStage] = field(default_factory=dict)
    harmed: bool = False
    shown: list[str] = field(default_factory=list)
    path: list[PathPoint] = field(default_factory=list)
    evidence: dict[str, list[str]] = field(default_factory=lambda: {"candidate": [], "control": []})

    @classmethod
    def of(cls, body: Mapping[str, Any] | None) -> "GuardrailState":
        """Read what `body` wrote; without one, begin."""
        return cls() if body is None else convert(body, cls)

    def body(self) -> dict[str, Any]:
        """Return it as JSON values."""
        written: dict[str, Any] = to_builtins(self)
        return written


def step_name(share: float) -> str:
    """Return the key of a step ahead."""
    return f"{share:g}"


def fold(
    guardrail: WatchedGuardrail, state: GuardrailState, events: Sequence[GuardrailEvent], steps: Sequence[float]
) -> None:
    """Add events of units that were not counted before; `steps` are the percents of all steps."""
    if not events:
        return
    match guardrail.kind:
        case GuardrailKind.RATE:
            _fold_rate(guardrail, state, events, steps)
        case GuardrailKind.LIMIT:
            _fold_limit(guardrail, state, events)
        case GuardrailKind.MEAN:
            _fold_mean(guardrail, state, events, steps)
        case GuardrailKind.QUANTILE:
            _fold_quantile(guardrail, state, events, steps)


def count_decisions(state: GuardrailState, *, candidate: int, control: int) -> None:
    """Count decisions of both sides, whether anything was the matter with them or not."""
    state.candidate.decisions += candidate
    state.control.decisions += control


def judge(guardrail: WatchedGuardrail, state: GuardrailState, steps: Sequence[float]) -> None:
    """Note what is shown by now: harm, and which steps the candidate is good enough for."""
    if harm_evidence(guardrail, state) >= harm_bound(guardrail):
        state.harmed = True
    for share in steps:
        if step_name(share) not in state.shown and _is_sound(guardrail, state, share):
            state.shown.append(step_name(share))


def harm_bound(guardrail: WatchedGuardrail) -> float:
    """Return the evidence from which on harm is shown."""
    return guardrail.harm_by_rate().bound


def harm_evidence(guardrail: WatchedGuardrail, state: GuardrailState) -> float:
    """Return the natural logarithm of E for harm.

    Evidence of arms and of pairs is multiplied: each decision moves one of them only, so the product is a test martingale, too.
    """
    return _harm_of_arms(guardrail, state) + (guardrail.harm_by_pairs().log_e(state.pairs) if state.pairs else 0.0)


def fold_pairs(guardrail: WatchedGuardrail, state: GuardrailState, pairs: Sequence[JudgedPair], floor: float) -> None:
    """Add decisions that a person judged; `floor` is the share of automatic decisions that anybody looks at."""
    test = guardrail.harm_by_pairs()
    count_decisions(state, candidate=len(pairs), control=len(pairs))
    for one in pairs:
        state.pairs = test.fold(state.pairs or test.start(), one.worse, one.probability, min(floor, one.probability))
        if one.worse:
            name = "candidate" if one.worse > 0 else "control"
            state.evidence[name] = [*state.evidence[name], str(one.id)][-MOST_EVIDENCE:]
            (state.candidate if one.worse > 0 else state.control).units += 1


def _harm_of_arms(guardrail: WatchedGuardrail, state: GuardrailState) -> float:
    if state.stages:
        return harm_of_stages(state.stages)
    if not state.harm:
        return 0.0
    if guardrail.kind is GuardrailKind.MEAN:
        return guardrail.harm_by_mean().log_e(state.harm)
    return guardrail.harm_by_rate().log_e(state.harm)


def sound_evidence(guardrail: WatchedGuardrail, state: GuardrailState, share: float) -> tuple[float, float]:
    """Return the natural logarithm of E that the candidate is good enough for a step, and its bound, by the better way."""
    ways = []
    kept = state.sound.get(step_name(share))
    if guardrail.kind is GuardrailKind.RATE:
        relative = guardrail.sound_by_rate(share)
        ways.append((relative.log_e(kept) if kept else 0.0, relative.bound))
    elif guardrail.kind is GuardrailKind.MEAN:
        mean = guardrail.sound_by_mean(share)
        ways.append((mean.log_e(kept) if kept else 0.0, mean.bound))
    elif guardrail.kind is GuardrailKind.QUANTILE:
        stage = state.stages.get(step_name(share))
        ways.append((stage.sound if stage else 0.0, guardrail.sound_by_quantile(share).bound))
    if guardrail.kind is GuardrailKind.LIMIT or guardrail.floor is not None:
        ways.append(_below(guardrail, state, share))
    return max(ways, key=lambda way: way[0] - way[1])


def note_point(guardrail: WatchedGuardrail, state: GuardrailState, share: float, now: datetime) -> None:
    """Add where the evidence stands to the path, if it moved."""
    sound = sound_evidence(guardrail, state, share)[0]
    point = PathPoint(now, state.candidate.decisions, state.control.decisions, harm_evidence(guardrail, state), sound)
    if state.path and (state.path[-1].harm, state.path[-1].sound) == (point.harm, point.sound):
        return
    state.path.append(point)
    if len(state.path) > LONGEST_PATH:
        state.path = [*state.path[:-1:2], state.path[-1]]


def _is_sound(guardrail: WatchedGuardrail, state: GuardrailState, share: float) -> bool:
    found, bound = sound_evidence(guardrail, state, share)
    return found >= bound


def _below(guardrail: WatchedGuardrail, state: GuardrailState, share: float) -> tuple[float, float]:
    test = guardrail.below_limit()
    count, events = (
        (state.candidate.units, int(state.candidate.total)) if guardrail.kind is GuardrailKind.LIMIT else state.first
    )
    return test.log_e(test.fold(test.start(), events, count - events, guardrail.limit_at(share))), test.bound


def _fold_rate(
    guardrail: WatchedGuardrail, state: GuardrailState, events: Sequence[GuardrailEvent], steps: Sequence[float]
) -> None:
    """Harm is shown by the first event of each unit, soundness by the event in its first decision, if there is one.

    Units that have events often would leave the count of first events sooner on the worse side, which would look better for it.
    """
    firsts = [one for one in events if is_first(one)]
    mine = [one for one in firsts if one.of.is_candidate]
    state.first = state.first[0] + len(mine), state.first[1] + sum(one.value > 0 for one in mine)
    counted = [one for one in events if not is_first(one)]
    for one in counted:
        _tally(state, one)
    harm = guardrail.harm_by_rate()
    for share, (candidate, control) in _by_share(counted).items():
        state.harm = harm.fold(state.harm or harm.start(), candidate, control, share)
    tests = {step_name(share): guardrail.sound_by_rate(share) for share in steps}
    for share, (candidate, control) in _by_share([one for one in firsts if one.value > 0]).items():
        for name, test in tests.items():
            state.sound[name] = test.fold(state.sound.get(name) or test.start(), candidate, control, share)


def _by_share(events: Sequence[GuardrailEvent]) -> dict[float, list[int]]:
    """Count events of the candidate and of the control by the candidate's share."""
    counts: dict[float, list[int]] = defaultdict(lambda: [0, 0])
    for one in events:
        counts[one.of.share][0 if one.of.is_candidate else 1] += 1
    return counts


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
    shares = np.array([one.of.share for one in events], dtype=np.float64)
    for one in events:
        _tally(state, one)
    harm = guardrail.harm_by_mean()
    state.harm = harm.fold(state.harm or harm.start(), candidate, values, shares)
    for share in steps:
        test = guardrail.sound_by_mean(share)
        kept = state.sound.get(step_name(share)) or test.start()
        state.sound[step_name(share)] = test.fold(kept, candidate, values, shares)


def _fold_quantile(
    guardrail: WatchedGuardrail, state: GuardrailState, events: Sequence[GuardrailEvent], steps: Sequence[float]
) -> None:
    """Add values to the stages that they are of. Named are those beyond the champion's quantile of their stage."""
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
        state.evidence[name] = [*state.evidence[name], str(one.of.id)][-MOST_EVIDENCE:]


def by_guardrail(events: Iterable[GuardrailEvent]) -> dict[str, list[GuardrailEvent]]:
    """Group events by their guardrail."""
    found: dict[str, list[GuardrailEvent]] = defaultdict(list)
    for one in events:
        found[one.guardrail].append(one)
    return found
