"""The events of reviews."""

from dataclasses import dataclass
from typing import Annotated, ClassVar
from uuid import UUID

from andon.kernel.events import DomainEvent
from andon.reviews.domain import Verdict


@dataclass(frozen=True, slots=True)
class VerdictGiven(DomainEvent):
    """A person decided a case that the line did not."""

    type: ClassVar[str] = "andon.verdict.given"
    about: ClassVar[str] = "decision:{decision_id}"

    review_id: Annotated[UUID, "Id of the review."]
    decision_id: Annotated[UUID, "Id of the decision."]
    automation: Annotated[str, "Name of the automation."]
    outcome: Annotated[str, "The person's choice."]
    by: Annotated[str, "Who decided."]
    reason: Annotated[str, "Why."]
    label: Annotated[str | None, "The true class, if the person named one."] = None

    @property
    def verdict(self) -> Verdict:
        """The verdict as the review keeps it."""
        return Verdict(self.outcome, self.reason, self.by, self.at)


@dataclass(frozen=True, slots=True)
class QuestionAnswered(DomainEvent):
    """A person answered a question of a procedure, or about a call or an action; this is no verdict on the decision."""

    type: ClassVar[str] = "andon.question.answered"
    about: ClassVar[str] = "decision:{decision_id}"

    review_id: Annotated[UUID, "Id of the review that asked."]
    asked_by: Annotated[UUID, "Key of the question: of a procedure's step, a tool call or an action."]
    procedure_id: Annotated[UUID | None, "Id of the procedure, which continues; null if none asked."]
    decision_id: Annotated[
        UUID, "Id of the decision that the question is about; for an action without a decision, the id of the action."
    ]
    automation: Annotated[str, "Name of the automation."]
    outcome: Annotated[str, "The person's choice."]
    by: Annotated[str, "Who answered."]
    reason: Annotated[str, "Why."]
    action_id: Annotated[
        UUID | None, "Id of the action whose outcome was unknown; null if the question is not about an action."
    ] = None

    @property
    def verdict(self) -> Verdict:
        """The answer as the review keeps it."""
        return Verdict(self.outcome, self.reason, self.by, self.at)


@dataclass(frozen=True, slots=True)
class BlindAuditDecided(DomainEvent):
    """A blind audit ended: a person gave the true class of an automatic decision without seeing it."""

    type: ClassVar[str] = "andon.blindaudit.decided"
    about: ClassVar[str] = "decision:{decision_id}"

    review_id: Annotated[UUID, "Id of the review."]
    decision_id: Annotated[UUID, "Id of the decision."]
    automation: Annotated[str, "Name of the automation."]
    value: Annotated[str, "The class that the person named."]
    predicted: Annotated[str, "The class that the line had predicted."]
    agrees: Annotated[bool, "Whether the two are the same."]
    probability: Annotated[float, "Probability with which the decision was drawn."]
    by: Annotated[str, "Who decided."]
    reason: Annotated[str, "Why."]
