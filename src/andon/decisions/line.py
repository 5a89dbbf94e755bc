"""The line: one deployed automation version, ready to decide a batch. Every door, the replay and the tests end here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from time import perf_counter_ns, thread_time_ns
from typing import Any, Protocol

from andon.authoring import Automation
from andon.decisions.contract import Contract
from andon.decisions.domain import Decision, DecisionRequest, Judgement, LineRef, Risk
from andon.features import FeatureSet, Needs, Snapshot, TileDelta
from andon.kernel.clock import Clock
from andon.models import ValueUnusable
from andon.policies import ERROR, REVIEW, CompiledPolicy, Ruling
from andon.serving import Prediction, PredictionFailed, RiskGate

PREDICTION_FAILED = "PREDICTION_FAILED"
FEATURE_FAILED = "FEATURE_FAILED"

Unpredictable = PredictionFailed | ValueUnusable


@dataclass(frozen=True, slots=True)
class Seen:
    """The features of one row as seen, or why they could not be computed."""

    features: Mapping[str, Any]
    error: str | None = None


class Predicts(Protocol):
    """What a line needs of an endpoint."""

    def predict(self, rows: Sequence[Mapping[str, Any]]) -> list[Prediction]:
        """One prediction a row, in order. Raises ValueUnusable, PredictionFailed."""
        ...


class Line:
    """What one automation version decides with. `judge` is pure; `decide` adds features and time."""

    def __init__(
        self,
        automation: Automation,
        *,
        ref: LineRef,
        endpoint: Predicts,
        policy: CompiledPolicy,
        gate: RiskGate,
        outcomes: tuple[str, ...],
        clock: Clock,
    ) -> None:
        self.automation = automation
        self.ref = ref
        self.contract = Contract(automation.contract)
        self.endpoint = endpoint
        self.outcomes = outcomes
        self._features = FeatureSet(automation.name, automation.features)
        self._policy = policy
        self._gate = gate
        self._clock = clock

    def needs(self, inputs: Sequence[Mapping[str, Any]], at: Sequence[datetime]) -> Needs:
        """The stored feature state that deciding these inputs requires."""
        return self._features.needs(inputs, at)

    def decide(self, requests: Sequence[DecisionRequest], snapshot: Snapshot) -> tuple[list[Decision], list[TileDelta]]:
        """Decide a batch in its order: one decision each, and what the batch adds to the feature state.

        Never raises for a bad row: what cannot be computed or predicted goes to review with the reason.
        """
        started, cpu = perf_counter_ns(), thread_time_ns()
        now = self._clock.now()
        seen, deltas = self._see(requests, snapshot)
        featured = perf_counter_ns()
        judgements = self.judge([request.input for request in requests], seen)
        judged = perf_counter_ns()
        stages = {
            "features": (featured - started) // 1000,
            "judge": (judged - featured) // 1000,
            "cpu": (thread_time_ns() - cpu) // 1000,
            "batch": len(requests),
        }
        decisions = [
            Decision(request, self.ref, s.features, judgement, now, stages)
            for request, s, judgement in zip(requests, seen, judgements, strict=True)
        ]
        return decisions, deltas

    def judge(self, inputs: Sequence[Mapping[str, Any]], seen: Sequence[Seen]) -> list[Judgement]:
        """Predict, confide and apply the policy: a pure function of what was seen and of the versions of this line."""
        rows = [{**given, **s.features} if s.features else given for given, s in zip(inputs, seen, strict=True)]
        predictions = self._predict(rows)
        return [
            self._rule(given, s, prediction) for given, s, prediction in zip(inputs, seen, predictions, strict=True)
        ]

    def _see(self, requests: Sequence[DecisionRequest], snapshot: Snapshot) -> tuple[list[Seen], list[TileDelta]]:
        inputs = [request.input for request in requests]
        computed = self._features.compute(inputs, [request.asked_at for request in requests], snapshot)
        failed = computed.failures
        if not failed:
            return [Seen(row) for row in computed.rows], computed.deltas
        seen = [Seen(row, str(failed[i]) if i in failed else None) for i, row in enumerate(computed.rows)]
        return seen, computed.deltas

    def _predict(self, rows: Sequence[Mapping[str, Any]]) -> list[Prediction | Unpredictable]:
        try:
            return list(self.endpoint.predict(rows))
        except (PredictionFailed, ValueUnusable) as error:
            if len(rows) == 1:
                return [error]
        return [prediction for row in rows for prediction in self._predict([row])]

    def _rule(self, given: Mapping[str, Any], seen: Seen, prediction: Prediction | Unpredictable) -> Judgement:
        if seen.error is not None:
            return self._to_review(FEATURE_FAILED, seen.error)
        if isinstance(prediction, Unpredictable):
            return self._to_review(PREDICTION_FAILED, str(prediction))
        certain = self._gate.certain(prediction)
        risk = Risk(certain, self._gate.threshold, self._gate.target)
        ruling = self._policy.evaluate(
            given,
            seen.features,
            {
                "score": prediction.score,
                "label": prediction.label,
                "confidence": prediction.confidence,
                "probabilities": prediction.probabilities,
            },
            {"certain": certain, "threshold": risk.threshold, "target": risk.target},
        )
        return Judgement(prediction, risk, ruling)

    def _to_review(self, reason: str, error: str) -> Judgement:
        risk = Risk(False, self._gate.threshold, self._gate.target)
        return Judgement(None, risk, Ruling(outcome=REVIEW, rule=ERROR, reasons=(reason,), error=error))
