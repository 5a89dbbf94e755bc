"""Running cases: each judged in memory by the one judge of every door, with the policy as it is on disk."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from time import perf_counter, perf_counter_ns
from typing import Any

from pydantic_core import to_json

from andon.authoring import Automation
from andon.cases.domain import (
    CaseDifference,
    CasePrediction,
    CaseResult,
    CaseRisk,
    DecisionCase,
    FiledCase,
    MadeDecision,
    differences_of,
)
from andon.decisions import (
    UNCONTROLLED,
    Arm,
    DecisionRequest,
    Gate,
    InputInvalid,
    InputMalformed,
    Judgement,
    Line,
    LineRef,
    ModelRef,
    Seen,
    Traffic,
    assemble,
    compile_policy,
)
from andon.features import MemoryTiles
from andon.kernel.ids import uuid7
from andon.serving import LoadedVersion, Prediction

MOMENT = datetime(2026, 1, 1, 12, tzinfo=UTC)
"""When every case is decided: its windows are empty, so it does not matter."""

_CERTAIN, _UNCERTAIN = 0.0, 2.0


class CaseRunner:
    """The line of one automation, ready for its cases. `loaded` is the model that is asked, if there is one.

    With `tested` it is the model that is tested: cases that bound the score ask it, too, and by its own gate. Others that
    suppose a prediction test the policy only. Raises PolicyInvalid, AutomationInvalid.
    """

    def __init__(self, automation: Automation, loaded: LoadedVersion | None, *, tested: bool) -> None:
        table, self._policy = compile_policy(automation)
        self._automation, self._version = automation, table.version
        self._tested = tested
        self._asked = None if loaded is None else assemble(automation, loaded, number=1)
        supposed = self._arm(_Supposed(CasePrediction(score=0.0)), Gate(_CERTAIN, 1.0))
        self._supposed = Line(
            automation, traffic=Traffic.of_one(supposed), policy=self._policy, outcomes=table.outcomes
        )

    def run(self, filed: FiledCase) -> CaseResult:
        """Decide a case and compare."""
        began = perf_counter()
        judged = self._judge(filed.case)
        seconds = perf_counter() - began
        if isinstance(judged, str):
            return CaseResult(filed, error=judged, seconds=seconds)
        ruling, prediction = judged.ruling, judged.prediction
        made = MadeDecision(
            ruling.outcome, ruling.rule, ruling.reasons, None if prediction is None else prediction.score
        )
        found = differences_of(filed.case.expect, made)
        if found and ruling.error is not None:
            found = (*found, CaseDifference("error", "none", ruling.error))
        return CaseResult(filed, found, seconds=seconds)

    def _judge(self, case: DecisionCase) -> Judgement | str:
        """The judgement, or why there is none."""
        given = self._given(case)
        if isinstance(given, str):
            return given
        line = self._supposed if self._asked is None else self._asked
        seen = self._seen(line, given, case)
        if case.prediction is not None and not (self._tested and case.expect.score is not None):
            lacking = self._lacking(case.prediction)
            if lacking:
                return f"the policy reads {' and '.join(lacking)}: say it under `prediction`"
            arm = self._arm(_Supposed(case.prediction), _gate_of(case.risk, Gate(_CERTAIN, 1.0)))
        elif self._asked is not None:
            asked = self._asked.traffic.champion
            gate = asked.gate if self._tested else _gate_of(case.risk, asked.gate)
            arm = Arm(asked.ref, asked.loaded, gate)
        else:
            return "the case says no prediction, and there is no model to ask: name one by --model"
        (judgement,) = line.judge.judge_now(arm, [given], [seen], UNCONTROLLED, now=MOMENT)
        return judgement

    def _given(self, case: DecisionCase) -> Mapping[str, Any] | str:
        try:
            return self._supposed.contract.read(to_json(case.input))
        except (InputInvalid, InputMalformed) as error:
            return "; ".join(f"input.{one.where}: {one.message}" for one in error.faults) or str(error)

    def _seen(self, line: Line, given: Mapping[str, Any], case: DecisionCase) -> Seen:
        """The features of a case: computed with empty windows and tables, where it does not say them."""
        names = set(self._automation.feature_names)
        if names and names <= case.features.keys():
            return Seen(case.features)
        request = DecisionRequest(
            id=uuid7(MOMENT),
            automation=self._automation.name,
            raw=to_json(case.input),
            input=given,
            caller="case",
            correlation_id=case.name,
            asked_at=MOMENT,
            began_ns=perf_counter_ns(),
        )
        rows = {one.lookup: dict[str, Any]() for one in line.wanted([request])}
        (seen,), _ = line.see([request], MemoryTiles().read(line.needs([request])), rows)
        features = {**seen.features, **case.features}
        return Seen(features, None if names <= features.keys() else seen.error)

    def _lacking(self, said: CasePrediction) -> Sequence[str]:
        """What the policy reads of a prediction and the case does not say."""
        optional = ("label", "probabilities")
        return [f"prediction.{name}" for name in optional if getattr(said, name) is None and self._reads(name)]

    def _reads(self, name: str) -> bool:
        return any(read == f"prediction.{name}" for read in self._policy.reads)

    def _arm(self, predicts: "_Supposed", gate: Gate) -> Arm:
        model = ModelRef(self._automation.model, 1, "")
        return Arm(LineRef(self._automation.name, 1, model, self._version), predicts, gate)


def _gate_of(risk: CaseRisk | None, otherwise: Gate) -> Gate:
    if risk is None:
        return otherwise
    if risk.threshold is not None:
        return Gate(risk.threshold, risk.target)
    return Gate(_CERTAIN if risk.certain else _UNCERTAIN, risk.target)


class _Supposed:
    """A model that says what a case says."""

    inline = True
    capacity = 1
    max_batch = 1

    def __init__(self, said: CasePrediction) -> None:
        confidence = max(said.score, 1 - said.score) if said.confidence is None else said.confidence
        self._said = Prediction(said.score, said.label or "", confidence, said.probabilities or {})

    def predict(self, rows: Sequence[Mapping[str, Any]]) -> list[Prediction]:
        """The same for each row."""
        return [self._said] * len(rows)

    async def predict_soon(self, rows: Sequence[Mapping[str, Any]], *, within: float) -> list[Prediction]:
        """The same."""
        del within
        return self.predict(rows)

    def take_cpu_us(self) -> int:
        """Nothing worth counting."""
        return 0
