"""The judge: it makes judgements from inputs, their features, an arm and its controls. Every entry point ends here.

Calls, streams, files, shadows, replay and tests in memory run this one function. It needs no database, and no clock but
a stopwatch. Only asking a version may take time; `ask` says how that is done.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from time import perf_counter
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from andon.authoring import BY_REVIEW, BY_RULES
from andon.cord import LineState
from andon.decisions.controls import Control, Gate, PartGates
from andon.decisions.domain import Fallback, Judgement
from andon.decisions.predicting import (
    Ask,
    BudgetSpent,
    Row,
    Unpredictable,
    ask_now,
    ask_soon,
    because_of,
    predictions,
    rows_of,
)
from andon.decisions.seeing import FEATURE_FAILED, Seen
from andon.decisions.traffic import Arm, Fallbacks
from andon.policies import ERROR, LINE_STOPPED, LINE_SUPERVISED, REVIEW, CompiledPolicy, Ruling
from andon.serving import Prediction

FOR_EVER = 3600.0
"""Seconds that predicting may take if nobody waits; the runner of the model has a limit of its own."""


class Judged(Struct):
    """The judgements of a batch, the arm that made each, and how long predicting and ruling took, in seconds."""

    judgements: list[Judgement]
    arms: list[Arm]
    predict: float
    policy: float
    fallbacks: dict[str, int] = {}


class Judge:
    """The parts of a judgement apart from the arms: the compiled policy and the outcome of a stopped line."""

    def __init__(
        self, automation: str, policy: CompiledPolicy, *, when_stopped: str = REVIEW, predicts: bool = True
    ) -> None:
        self._automation = automation
        self._predicts = predicts
        self._policy = policy
        self._stopped = Ruling(when_stopped, LINE_STOPPED, ("LINE_STOPPED",))

    async def judge(
        self,
        arm: Arm,
        inputs: Sequence[Mapping[str, Any]],
        seen: Sequence[Seen],
        control: Control,
        *,
        now: datetime,
        within: float = FOR_EVER,
        paid: int | None = None,
        fallbacks: Fallbacks = (),
        ask: Ask = ask_soon,
    ) -> Judged:
        """Judge a batch that was assigned to `arm`, within this many seconds.

        Only the first `paid` of the rows that can be predicted (`to_predict`) are predicted; None pays for all. A row
        without a prediction goes to the fallbacks in order, and then to a person. `now` is the moment at which gates
        must not have expired.
        """
        began = perf_counter()
        until = began + within
        states, gate = control.states.each(inputs), control.gate(arm.name, arm.gate, now)
        if not self._predicts:
            return self._by_rules_alone(arm, inputs, seen, states, gate, began)
        rows, asked = rows_of(inputs, seen), to_predict(seen, states)
        bought = asked if paid is None else asked[:paid]
        if len(bought) == len(rows):
            said: Sequence[Prediction | Unpredictable] = await predictions(ask, arm, rows, until)
        else:
            said = await self._some(ask, arm, rows, bought, until)
        predicted = perf_counter()
        policy = arm.policy or self._policy
        own = _gates_of_rows(control.parts(arm.name), inputs, said, now)
        if own is None:
            judgements = [_rule(policy, gate, given, s, one) for given, s, one in zip(inputs, seen, said, strict=True)]
        else:
            rows_with_gates = zip(own, inputs, seen, said, strict=True)
            judgements = [_rule(policy, each, given, s, one) for each, given, s, one in rows_with_gates]
        done = Judged(judgements, [arm] * len(rows), predicted - began, 0.0)
        if not {Prediction}.issuperset(map(type, said)):
            failed = {n: one for n in asked if not isinstance(one := said[n], Prediction)}
            if failed:
                fall = _Falling(inputs, seen, control, now, until, fallbacks, ask)
                await self._fall_back(failed, fall, policy, own or [gate] * len(rows), done)
        if states is not None:
            each_gate = own or [gate] * len(rows)
            of_rows = zip(done.judgements, states, each_gate, strict=True)
            done.judgements = [self._held(one, state, its) for one, state, its in of_rows]
        done.policy = perf_counter() - predicted
        return done

    def judge_now(
        self,
        arm: Arm,
        inputs: Sequence[Mapping[str, Any]],
        seen: Sequence[Seen],
        control: Control,
        *,
        now: datetime,
        fallbacks: Fallbacks = (),
        ask: Ask = ask_now,
    ) -> list[Judgement]:
        """Judge a batch as `judge` does, for callers without an event loop: `ask` blocks, so nothing is awaited."""
        judging = self.judge(arm, inputs, seen, control, now=now, fallbacks=fallbacks, ask=ask)
        try:
            judging.send(None)
        except StopIteration as ended:
            judged: Judged = ended.value
            return judged.judgements
        judging.close()
        raise RuntimeError("`ask` must answer immediately here")

    def _by_rules_alone(
        self,
        arm: Arm,
        inputs: Sequence[Mapping[str, Any]],
        seen: Sequence[Seen],
        states: Sequence[LineState] | None,
        gate: Gate,
        began: float,
    ) -> Judged:
        """Judge the rows of an automation without a model: no prediction is asked for, so none can be missing."""
        policy = arm.policy or self._policy
        judgements = [_without_model(policy, gate, given, s) for given, s in zip(inputs, seen, strict=True)]
        if states is not None:
            judgements = [self._held(one, state, gate) for one, state in zip(judgements, states, strict=True)]
        return Judged(judgements, [arm] * len(inputs), 0.0, perf_counter() - began)

    async def _some(
        self, ask: Ask, arm: Arm, rows: Sequence[Row], bought: Sequence[int], until: float
    ) -> Sequence[Prediction | Unpredictable]:
        """Return predictions for the rows that are paid for, and BudgetSpent for the others."""
        said: list[Prediction | Unpredictable] = [BudgetSpent(f"The budget of {self._automation} is spent")] * len(rows)
        for number, one in zip(bought, await predictions(ask, arm, [rows[n] for n in bought], until), strict=True):
            said[number] = one
        return said

    async def _fall_back(
        self,
        failed: dict[int, Unpredictable],
        fall: "_Falling",
        policy: CompiledPolicy,
        gates: Sequence[Gate],
        done: Judged,
    ) -> None:
        """Ask the fallbacks, in their order, for the rows that have no prediction. Empties `failed`."""
        because = {number: because_of(error) for number, error in failed.items()}
        done.fallbacks.update(Counter(because.values()))
        for step, arm in fall.fallbacks:
            if step == BY_RULES:
                for number in failed:
                    fallback = Fallback(BY_RULES, because[number])
                    done.judgements[number] = _by_rules(
                        policy, gates[number], fall.inputs[number], fall.seen[number], fallback
                    )
                return
            if step == BY_REVIEW or arm is None:
                break
            asked = [n for n, error in failed.items() if not isinstance(error, BudgetSpent) and done.arms[n] is not arm]
            rows = rows_of([fall.inputs[n] for n in asked], [fall.seen[n] for n in asked])
            whole, parts = fall.control.gate(arm.name, arm.gate, fall.now), fall.control.parts(arm.name)
            for number, said in zip(asked, await predictions(fall.ask, arm, rows, fall.until), strict=True):
                if isinstance(said, Prediction):
                    own = whole if parts is None else parts.of(fall.inputs[number], said.label, fall.now)
                    judged = _rule(arm.policy or self._policy, own, fall.inputs[number], fall.seen[number], said)
                    done.judgements[number] = replace(judged, fallback=Fallback(step, because[number]))
                    done.arms[number] = arm
                    del failed[number]
        for number, error in failed.items():
            fallback = Fallback(BY_REVIEW, because[number])
            done.judgements[number] = _to_review(gates[number], because[number], str(error), fallback)

    def _held(self, judgement: Judgement, state: LineState, gate: Gate) -> Judgement:
        """Return the judgement under its line state: the policy's own, a review, or the outcome of a stopped line."""
        if state is LineState.STOPPED:
            return Judgement(None, gate.risks[False], self._stopped, None, state)
        if state is LineState.SUPERVISED and judgement.ruling.outcome != REVIEW:
            ruling = Ruling(REVIEW, LINE_SUPERVISED, ("LINE_SUPERVISED", *judgement.ruling.reasons))
            return replace(judgement, ruling=ruling, state=state)
        return replace(judgement, state=state)


def to_predict(seen: Sequence[Seen], states: Sequence[LineState] | None) -> list[int]:
    """Return the numbers of the rows to predict: those with all their features on a line that is not stopped."""
    if states is None:
        return [number for number, s in enumerate(seen) if s.error is None]
    return [
        number
        for number, (s, state) in enumerate(zip(seen, states, strict=True))
        if s.error is None and state is not LineState.STOPPED
    ]


def _gates_of_rows(
    parts: PartGates | None,
    inputs: Sequence[Mapping[str, Any]],
    said: Sequence[Prediction | Unpredictable],
    now: datetime,
) -> list[Gate] | None:
    """Return the gate of each row; None if the arm has one gate for all, as most have."""
    if parts is None:
        return None
    labels = [one.label if isinstance(one, Prediction) else None for one in said]
    return [parts.of(given, label, now) for given, label in zip(inputs, labels, strict=True)]


class _Falling(Struct, frozen=True):
    """The arguments with which all fallbacks of a batch are asked."""

    inputs: Sequence[Mapping[str, Any]]
    seen: Sequence[Seen]
    control: Control
    now: datetime
    until: float
    fallbacks: Fallbacks
    ask: Ask


def _rule(
    policy: CompiledPolicy, gate: Gate, given: Mapping[str, Any], seen: Seen, prediction: Prediction | Unpredictable
) -> Judgement:
    """Return the policy's judgement of one row and its prediction; a review if something is missing."""
    if seen.error is not None:
        return _to_review(gate, FEATURE_FAILED, seen.error)
    if not isinstance(prediction, Prediction):
        return _to_review(gate, because_of(prediction), str(prediction))
    certain = prediction.confidence >= gate.threshold
    ruling = policy.evaluate(
        given,
        seen.features,
        {
            "score": prediction.score,
            "label": prediction.label,
            "confidence": prediction.confidence,
            "probabilities": prediction.probabilities,
        },
        gate.facts[certain],
    )
    return Judgement(prediction, gate.risks[certain], ruling)


def _without_model(policy: CompiledPolicy, gate: Gate, given: Mapping[str, Any], seen: Seen) -> Judgement:
    """Return the policy's judgement of one row of an automation without a model; nothing is certain."""
    if seen.error is not None:
        return _to_review(gate, FEATURE_FAILED, seen.error)
    return Judgement(None, gate.risks[False], policy.evaluate(given, seen.features, {}, gate.facts[False]))


def _by_rules(
    policy: CompiledPolicy, gate: Gate, given: Mapping[str, Any], seen: Seen, fallback: Fallback
) -> Judgement:
    """Return the judgement by the rules that need no prediction; nothing is certain."""
    ruling = policy.evaluate_without_prediction(given, seen.features, gate.facts[False])
    reasons = (*ruling.reasons, fallback.because)
    return Judgement(None, gate.risks[False], Ruling(ruling.outcome, ruling.rule, reasons, ruling.error), fallback)


def _to_review(gate: Gate, reason: str, error: str, fallback: Fallback | None = None) -> Judgement:
    """Return a judgement that asks a person and gives the reason."""
    return Judgement(None, gate.risks[False], Ruling(REVIEW, ERROR, (reason,), error), fallback)
