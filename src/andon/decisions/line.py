"""The line: one deployed automation version, ready to decide. Every door, the replay and the tests end here. Pure.

What takes time (reading feature state, waiting for a model elsewhere, recording) is around it: `judging.py`, `lane.py`.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias

from msgspec import Struct

from andon.authoring import Automation
from andon.decisions.contract import Contract
from andon.decisions.domain import Decision, DecisionRequest, Fallback, Judgement, LineRef
from andon.decisions.traffic import Arm, Predicts, Traffic
from andon.features import Delta, FeatureSet, Looked, Needs, Snapshot, Wanted
from andon.kernel.clock import Clock
from andon.models import ValueUnusable
from andon.policies import ERROR, REVIEW, CompiledPolicy, Ruling
from andon.serving import EndpointBusy, Prediction, PredictionFailed, PredictionTimedOut

PREDICTION_FAILED = "PREDICTION_FAILED"
PREDICTION_TIMED_OUT = "PREDICTION_TIMED_OUT"
ENDPOINT_BUSY = "ENDPOINT_BUSY"
BUDGET_SPENT = "BUDGET_SPENT"
FEATURE_FAILED = "FEATURE_FAILED"


class BudgetSpent(PredictionFailed):
    """The automation's budget for predicting is spent."""


Unpredictable: TypeAlias = PredictionFailed | ValueUnusable


def because_of(error: Unpredictable) -> str:
    """The reason code of a prediction that is missing."""
    match error:
        case PredictionTimedOut():
            return PREDICTION_TIMED_OUT
        case EndpointBusy():
            return ENDPOINT_BUSY
        case BudgetSpent():
            return BUDGET_SPENT
        case _:
            return PREDICTION_FAILED


class Seen(Struct, frozen=True, gc=False):
    """The features of one row as seen, or why they could not be computed.

    `misplaced` says why windows do not have it at the time of its event, `breached` what was not as expected.
    """

    features: Mapping[str, Any]
    error: str | None = None
    misplaced: str | None = None
    breached: Sequence[str] = ()


class Line:
    """What one automation version decides with: contract, features, arms, policy."""

    def __init__(
        self,
        automation: Automation,
        *,
        traffic: Traffic,
        policy: CompiledPolicy,
        outcomes: tuple[str, ...],
        clock: Clock,
    ) -> None:
        self.automation = automation
        self.traffic = traffic
        self.contract = Contract(automation.contract)
        self.outcomes = outcomes
        self.followed = frozenset((REVIEW, *automation.actions))
        """The outcomes after which something is done."""
        self._features = FeatureSet(
            automation.name, automation.features, expect=automation.expect, lateness=automation.lateness
        )
        self._policy = policy
        self._clock = clock

    @property
    def ref(self) -> LineRef:
        """The exact versions of the champion's arm."""
        return self.traffic.champion.ref

    @property
    def endpoint(self) -> Predicts:
        """The champion, loaded."""
        return self.traffic.champion.loaded

    @property
    def looks_up(self) -> bool:
        """Whether deciding requires rows of tables."""
        return self._features.looks_up

    def needs(self, requests: Sequence[DecisionRequest]) -> Needs:
        """The stored feature state that deciding these requires."""
        if not self._features.windowed:
            return ()
        return self._features.needs([r.input for r in requests], [r.at for r in requests], _asked(requests))

    def wanted(self, requests: Sequence[DecisionRequest]) -> list[Wanted]:
        """The rows of tables that deciding these requires."""
        return self._features.wanted([r.input for r in requests])

    def see(
        self, requests: Sequence[DecisionRequest], snapshot: Snapshot, looked: Looked | None = None
    ) -> tuple[list[Seen], list[Delta]]:
        """The features of a batch in its order, and what the batch adds to the feature state."""
        timed = self._features.timed
        asked = _asked(requests) if timed else None
        computed = self._features.compute(
            [r.input for r in requests],
            [r.at for r in requests] if timed else (),
            snapshot,
            asked=asked,
            looked=looked,
            now=None if asked is None else requests[-1].asked_at,
        )
        failed, misplaced, breached = computed.failures, computed.misplaced, computed.breached
        if not (failed or misplaced or breached):
            return [Seen(row) for row in computed.rows], computed.deltas
        seen = [
            Seen(row, str(failed[i]) if i in failed else None, misplaced.get(i), breached.get(i, ()))
            for i, row in enumerate(computed.rows)
        ]
        return seen, computed.deltas

    def decide(
        self, requests: Sequence[DecisionRequest], snapshot: Snapshot, looked: Looked | None = None
    ) -> tuple[list[Decision], list[Delta]]:
        """Decide a batch in its order by the champion, and what the batch adds to the feature state.

        Never raises for a bad row: what cannot be computed or predicted goes to review with the reason.
        """
        seen, deltas = self.see(requests, snapshot, looked)
        judgements = self.judge([request.input for request in requests], seen)
        now, subject = self._clock.now(), self.automation.subject
        decisions = [
            Decision(request, self.ref, s.features, judgement, now, {}, self.traffic.assign(request, subject))
            for request, s, judgement in zip(requests, seen, judgements, strict=True)
        ]
        return decisions, deltas

    def judge(
        self, inputs: Sequence[Mapping[str, Any]], seen: Sequence[Seen], arm: Arm | None = None
    ) -> list[Judgement]:
        """Predict, confide and apply the policy by one arm (the champion): a pure function of what was seen and the versions."""
        arm = arm or self.traffic.champion
        predictions = predict_each(arm, rows_of(inputs, seen))
        return [
            self.rule(arm, given, s, prediction) for given, s, prediction in zip(inputs, seen, predictions, strict=True)
        ]

    def rule(self, arm: Arm, given: Mapping[str, Any], seen: Seen, prediction: Prediction | Unpredictable) -> Judgement:
        """What the policy makes of one row and what an arm said of it; a review where something is missing."""
        if seen.error is not None:
            return self.to_review(arm, FEATURE_FAILED, seen.error)
        if not isinstance(prediction, Prediction):
            return self.to_review(arm, because_of(prediction), str(prediction))
        certain = prediction.confidence >= arm.gate.threshold
        ruling = (arm.policy or self._policy).evaluate(
            given,
            seen.features,
            {
                "score": prediction.score,
                "label": prediction.label,
                "confidence": prediction.confidence,
                "probabilities": prediction.probabilities,
            },
            arm.risk_facts[certain],
        )
        return Judgement(prediction, arm.risks[certain], ruling)

    def by_rules(self, arm: Arm, given: Mapping[str, Any], seen: Seen, fallback: Fallback) -> Judgement:
        """What the rules say that need no prediction, where `arm` was to answer; nothing is certain."""
        policy = arm.policy or self._policy
        ruling = policy.evaluate_without_prediction(given, seen.features, arm.risk_facts[False])
        reasons = (*ruling.reasons, fallback.because)
        return Judgement(None, arm.risks[False], Ruling(ruling.outcome, ruling.rule, reasons, ruling.error), fallback)

    def to_review(self, arm: Arm, reason: str, error: str, fallback: Fallback | None = None) -> Judgement:
        """A person is asked, and told why."""
        return Judgement(None, arm.risks[False], Ruling(REVIEW, ERROR, (reason,), error), fallback)


def _asked(requests: Sequence[DecisionRequest]) -> list[datetime] | None:
    """When each came; None if all came as they happened."""
    if all(request.happened_at is None for request in requests):
        return None
    return [request.came_at for request in requests]


def rows_of(inputs: Sequence[Mapping[str, Any]], seen: Sequence[Seen]) -> list[Mapping[str, Any]]:
    """What a model is given: each input with its features."""
    return [{**given, **s.features} if s.features else given for given, s in zip(inputs, seen, strict=True)]


def predict_each(arm: Arm, rows: Sequence[Mapping[str, Any]]) -> list[Prediction | Unpredictable]:
    """A prediction or what went wrong for each row: a bad row costs no other its prediction. Blocks."""
    try:
        return list(arm.loaded.predict(rows))
    except (PredictionFailed, ValueUnusable) as error:
        if len(rows) == 1:
            return [error]
    return [prediction for row in rows for prediction in predict_each(arm, [row])]
