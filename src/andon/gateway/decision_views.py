"""A decision as the API shows it: in a list, and in full with its actions, review, labels and shadows."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

from andon import actions, labels, reviews, serving
from andon.actions import ActionState
from andon.decisions import DecisionRecord, DecisionRow, Shown, seen_of_recorded, shown
from andon.gateway.shapes import model_of, seen
from andon.kernel.db import Tx
from andon.labels import LabelSource
from andon.policies import Ruling
from andon.reviews import ReviewState

_LISTED = shown(Shown.LIST)
_WHOLE = shown(Shown.WHOLE)
_listed = seen_of_recorded(_LISTED)
_whole = seen_of_recorded(_WHOLE)


class RulingSeen(seen(Ruling)):  # type: ignore[misc]  # made of the declared shape
    """The outcome that the policy chose. `error`: a condition could not be evaluated, or nothing could be predicted."""

    version: str


class DecisionListed(model_of("DecisionListed", "A decision in a list.", _LISTED)):  # type: ignore[misc]
    """A decision in a list."""


class Proof(BaseModel):
    """The place of the decision in the audit log: the writer's chain, the number in it, and the record's digest."""

    writer: UUID
    seq: int
    digest: str


class ActionTaken(BaseModel):
    """An action of the decision, and its state."""

    id: UUID
    action: str
    destination: str
    state: ActionState
    attempts: int
    last_error: str | None


class VerdictSeen(BaseModel):
    """The outcome that a person chose, and why."""

    outcome: str
    reason: str
    by: str
    at: datetime


class ReviewSeen(BaseModel):
    """The review that the decision opened."""

    id: UUID
    queue: str
    state: ReviewState
    due_at: datetime
    verdict: VerdictSeen | None


class LabelSeen(BaseModel):
    """The class as one source reported it."""

    value: str | None = Field(description="The class; null if it is unknown which class `said` stands for.")
    said: str
    source: LabelSource
    known_at: datetime
    recorded_at: datetime


class ValidLabelSeen(BaseModel):
    """The label that counts for a decision now."""

    value: str = Field(description="The class.")
    source: LabelSource | None = Field(
        description="Null if the class is assumed because nothing was reported before maturity."
    )
    probability: float = Field(description="The probability that somebody looked at the decision at all.")
    weight: float = Field(
        description="One over the probability; 1 once silence counts, because every such decision then has a label."
    )
    mature: bool = Field(description="Whether the time in which other labels are expected is over.")
    label_id: UUID | None
    contradicted_by: list[UUID] = Field(description="Labels of other sources that still stand and disagree.")


class ShadowSeen(BaseModel):
    """The prediction of an arm that ran as a shadow; `outcome` is what its policy would have chosen."""

    arm: str
    model_version: int
    outcome: str | None
    score: float | None
    label: str | None
    confidence: float | None
    error: str | None
    predicted_at: datetime


_Known: type[BaseModel] = model_of(
    "DecisionOut", "Everything known about a decision.", _WHOLE, policy=RulingSeen, stages_us=dict[str, int]
)


class DecisionOut(_Known):  # type: ignore[valid-type, misc]
    """Everything known about a decision."""

    status: Literal["decided"]
    audit: Proof
    actions: list[ActionTaken]
    review: ReviewSeen | None
    labels: list[LabelSeen]
    valid_label: ValidLabelSeen | None
    shadows: list[ShadowSeen]


def listed(row: DecisionRow) -> DecisionListed:
    """Return a decision as lists show it."""
    return DecisionListed(**_listed(row, {}))


def whole(tx: Tx, record: DecisionRecord, now: datetime) -> DecisionOut:
    """Return the record of a decision with its actions, review, labels and shadows up to now."""
    decision_id, values = record.row.id, _whole(record.row, record.record)
    values["policy"] = {**values["policy"], "version": record.row.policy_version}
    known = labels.known_of(tx, record.row, now)
    return DecisionOut(
        **values,
        status="decided",
        audit=Proof(writer=record.writer, seq=record.seq, digest=record.digest),
        actions=[
            ActionTaken.model_validate(action, from_attributes=True) for action in actions.of_decision(tx, decision_id)
        ],
        review=_review(tx, decision_id, now),
        labels=[LabelSeen.model_validate(label, from_attributes=True) for label in known.labels],
        valid_label=None if known.valid is None else ValidLabelSeen.model_validate(known.valid, from_attributes=True),
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
