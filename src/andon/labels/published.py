"""The events of labels."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, ClassVar
from uuid import UUID

from andon.kernel.events import DomainEvent
from andon.labels.domain import LabelSource


@dataclass(frozen=True, slots=True)
class LabelRecorded(DomainEvent):
    """A source said which class was true of a decision."""

    type: ClassVar[str] = "andon.label.recorded"
    about: ClassVar[str] = "decision:{decision_id}"

    label_id: Annotated[UUID, "Id of the label."]
    decision_id: Annotated[UUID, "Id of the decision."]
    automation: Annotated[str, "Name of the automation."]
    value: Annotated[str | None, "The class; null where nothing tells which class was meant."]
    source: Annotated[LabelSource, "Where the truth comes from."]
    probability: Annotated[float, "Probability with which somebody looked."]
    known_at: Annotated[datetime, "When it became known."]
    by: Annotated[str, "Who recorded it."]


@dataclass(frozen=True, slots=True)
class LabelCorrected(DomainEvent):
    """A source says otherwise than before, by a later label or by an explicit correction."""

    type: ClassVar[str] = "andon.label.corrected"
    about: ClassVar[str] = "decision:{decision_id}"

    label_id: Annotated[UUID, "Id of the new label."]
    decision_id: Annotated[UUID, "Id of the decision."]
    automation: Annotated[str, "Name of the automation."]
    value: Annotated[str | None, "The class; null where nothing tells which class was meant."]
    value_before: Annotated[str | None, "The class until then."]
    corrects: Annotated[UUID, "Id of the label that it takes the place of."]
    source: Annotated[LabelSource, "Where the truth comes from."]
    known_at: Annotated[datetime, "When it became known."]
    by: Annotated[str, "Who corrected it."]
    reason: Annotated[str | None, "Why, if a reason was given."]
