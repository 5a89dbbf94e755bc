"""The runner of cases: each is judged in memory by the same judge as every decision, with the policy on disk."""

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
"""The moment of every case. Any moment would do, as windows of features are empty."""

_CERTAIN, _UNCERTAIN = 0.0, 2.0


class CaseRunner:
    """The line of one automation, ready for its cases. `loaded` is a model for cases without a prediction.

    With `tested`, that model is under test: cases with score bounds use its prediction and its own gate. Other cases
    with a prediction test only the policy. Raises PolicyInvalid, AutomationInvalid.
    """

    def __init__(self, automation: Automation, loaded: LoadedVersion | None, *, tested: bool) -> None:
        table, self._policy = compile_policy(automation)
        self._automation, self._version = automation, table.version
        self._tested = tested
        self._with_model = None if loaded is None else assemble(automation, loaded, number=1)
        supposed = self._arm(_Supposed(CasePrediction(score=0.0)), Gate(_CERTAIN, 1.0))
        self._supposed = Line(
            automation, traffic=Traffic.of_one(supposed), policy=self._policy, outcomes=table.outcomes
        )

    def run(self, filed: FiledCase) -> CaseResult:
        """Decide a case, and compare the decision with the expected one."""
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
        """Judge a case; or return the reason why it cannot be judged."""
        given = self._given(case)
        if isinstance(given, str):
            return given
        line = self._supposed if self._with_model is None else self._with_model
        seen = self._seen(line, given, case)
        if case.prediction is not None and not (self._tested and case.expect.score is not None):
            lacking = self._lacking(case.prediction)
            if lacking:
                return f"the policy reads {' and '.join(lacking)}: add it under `prediction`"
            arm = self._arm(_Supposed(case.prediction), _gate_of(case.risk, Gate(_CERTAIN, 1.0)))
        elif self._with_model is not None:
            champion = self._with_model.traffic.champion
            gate = champion.gate if self._tested else _gate_of(case.risk, champion.gate)
            arm = Arm(champion.ref, champion.loaded, gate)
        elif not self._automation.predicts:
            arm = self._supposed.traffic.champion
        else:
            return "the case has no prediction, and there is no model to make one: name one with --model"
        (judgement,) = line.judge.judge_now(arm, [given], [seen], UNCONTROLLED, now=MOMENT)
        return judgement

    def _given(self, case: DecisionCase) -> Mapping[str, Any] | str:
        try:
            return self._supposed.contract.read(to_json(case.input))
        except (InputInvalid, InputMalformed) as error:
            return "; ".join(f"input.{one.where}: {one.message}" for one in error.faults) or str(error)

    def _seen(self, line: Line, given: Mapping[str, Any], case: DecisionCase) -> Seen:
        """Return the features of a case. Missing ones are computed with empty windows and tables."""
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

    def _lacking(self, prediction: CasePrediction) -> Sequence[str]:
        """Return the parts of a prediction that the policy reads and the case lacks."""
        optional = ("label", "probabilities")
        return [f"prediction.{name}" for name in optional if getattr(prediction, name) is None and self._reads(name)]

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
    """A model that returns the prediction of a case."""

    inline = True
    capacity = 1
    max_batch = 1

    def __init__(self, given: CasePrediction) -> None:
        confidence = max(given.score, 1 - given.score) if given.confidence is None else given.confidence
        self._prediction = Prediction(given.score, given.label or "", confidence, given.probabilities or {})

    def predict(self, rows: Sequence[Mapping[str, Any]]) -> list[Prediction]:
        """Return the same prediction for each row."""
        return [self._prediction] * len(rows)

    async def predict_soon(self, rows: Sequence[Mapping[str, Any]], *, within: float) -> list[Prediction]:
        """Return the same prediction for each row."""
        del within
        return self.predict(rows)

    def take_cpu_us(self) -> int:
        """Return 0: there is nothing to count."""
        return 0
