"""A decision as the API shows it: in a list, and whole, with all that came of it."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from andon import actions, labels, reviews, serving
from andon.actions import ActionState
from andon.decisions import DecisionRecord, DecisionRow
from andon.gateway.answers import ModelUsed, shared
from andon.kernel.db import Tx
from andon.labels import LabelSource
from andon.reviews import ReviewState
from andon.serving import Chosen


class ModelNumber(BaseModel):
    """Which model version predicted, in short."""

    name: str
    version: int


class DecisionListed(BaseModel):
    """A decision in a list."""

    id: UUID
    automation: str
    automation_version: int
    outcome: str
    rule: str
    score: float | None
    confidence: float | None
    certain: bool
    model: ModelNumber
    policy_version: str
    correlation_id: str
    decided_at: datetime
    latency_ms: float


class PredictionSeen(BaseModel):
    """What the model said."""

    score: float
    label: str
    confidence: float
    probabilities: dict[str, float]


class RiskSeen(BaseModel):
    """Whether the prediction was certain enough, and the bounds that were in force."""

    certain: bool
    threshold: float
    target: float


class RulingSeen(BaseModel):
    """What the policy chose; `error` if a condition could not be evaluated or nothing could be predicted."""

    outcome: str
    rule: str
    reasons: list[str]
    error: str | None
    version: str


class Proof(BaseModel):
    """Where the audit log holds the decision: the chain of a writer, the number in it, the record's digest."""

    writer: UUID
    seq: int
    digest: str


class ActionTaken(BaseModel):
    """An action of the decision, and how far it got."""

    id: UUID
    action: str
    destination: str
    state: ActionState
    attempts: int
    last_error: str | None


class VerdictSeen(BaseModel):
    """What a person chose, and why."""

    outcome: str
    reason: str
    by: str
    at: datetime


class ReviewSeen(BaseModel):
    """The person's task that the decision became."""

    id: UUID
    queue: str
    state: ReviewState
    due_at: datetime
    verdict: VerdictSeen | None


class LabelSeen(BaseModel):
    """What turned out to be true."""

    value: str
    source: LabelSource
    recorded_at: datetime


class ShadowSeen(BaseModel):
    """What an arm said that only looked on; `outcome` is what its policy would have chosen."""

    arm: str
    model_version: int
    outcome: str | None
    score: float | None
    label: str | None
    confidence: float | None
    error: str | None
    predicted_at: datetime


class AssignmentSeen(BaseModel):
    """Which version was to answer, and why."""

    version: int
    chosen: Chosen
    split: int = Field(description="The number of the traffic split that held; 0 where none was made.")
    bucket: int | None = Field(description="Where the subject fell, 0 to 9999; null where nothing was drawn.")


class FallbackSeen(BaseModel):
    """What answered instead of that version."""

    step: str = Field(description="The alias of another version, `rules` or `review`.")
    because: str = Field(description="The reason why that version did not answer.")


class DecisionOut(DecisionListed):
    """Everything that is known of a decision."""

    status: Literal["decided"]
    reasons: list[str]
    model: ModelUsed  # type: ignore[assignment]  # more than in a list
    caller: str
    input: Any = Field(description="Exactly what was sent.")
    features: dict[str, Any]
    prediction: PredictionSeen | None
    risk: RiskSeen
    policy: RulingSeen
    traceparent: str | None
    assignment: AssignmentSeen
    fallback: FallbackSeen | None
    stages_us: dict[str, int]
    audit: Proof
    actions: list[ActionTaken]
    review: ReviewSeen | None
    labels: list[LabelSeen]
    shadows: list[ShadowSeen]


def listed(row: DecisionRow) -> DecisionListed:
    """One of a list."""
    return DecisionListed(**shared(row), model=ModelNumber(name=row.model, version=row.model_version))


def whole(tx: Tx, record: DecisionRecord, now: datetime) -> DecisionOut:
    """Its record, and what came of it up to now."""
    written, decision_id = record.record, record.row.id
    return DecisionOut(
        **shared(record.row),
        status="decided",
        reasons=written["policy"]["reasons"],
        model=written["line"]["model"],
        caller=record.row.caller,
        input=written["input"],
        features=written["features"],
        prediction=written["prediction"],
        risk=written["risk"],
        policy={**written["policy"], "version": record.row.policy_version},
        traceparent=written["traceparent"],
        assignment=written["assignment"],
        fallback=written["fallback"],
        stages_us=written["stages_us"],
        audit=Proof(writer=record.writer, seq=record.seq, digest=record.digest),
        actions=[
            ActionTaken.model_validate(action, from_attributes=True) for action in actions.of_decision(tx, decision_id)
        ],
        review=_review(tx, decision_id, now),
        labels=[LabelSeen.model_validate(label, from_attributes=True) for label in labels.of_decision(tx, decision_id)],
        shadows=[ShadowSeen.model_validate(s, from_attributes=True) for s in serving.shadows_of(tx, decision_id)],
    )


def _review(tx: Tx, decision_id: UUID, now: datetime) -> ReviewSeen | None:
    review = reviews.of_decision(tx, decision_id)
    if review is None:
        return None
    return ReviewSeen(
        id=review.id,
        queue=review.queue,
        state=review.state(now),
        due_at=review.due_at,
        verdict=None if review.verdict is None else VerdictSeen.model_validate(review.verdict, from_attributes=True),
    )
