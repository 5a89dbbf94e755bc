"""The events of labels."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, ClassVar
from uuid import UUID

from andon.kernel.events import DomainEvent
from andon.labels.domain import LabelSource


@dataclass(frozen=True, slots=True)
class LabelRecorded(DomainEvent):
    """A source reported the true class of a decision."""

    type: ClassVar[str] = "andon.label.recorded"
    about: ClassVar[str] = "decision:{decision_id}"

    label_id: Annotated[UUID, "Id of the label."]
    decision_id: Annotated[UUID, "Id of the decision."]
    automation: Annotated[str, "Name of the automation."]
    value: Annotated[str | None, "The class; null if it is unknown which class was meant."]
    source: Annotated[LabelSource, "The source of the true class."]
    probability: Annotated[float, "Probability with which somebody checked the decision."]
    known_at: Annotated[datetime, "When it became known."]
    by: Annotated[str, "Who recorded it."]


@dataclass(frozen=True, slots=True)
class LabelCorrected(DomainEvent):
    """A source changed its class for a decision, by a later label or an explicit correction."""

    type: ClassVar[str] = "andon.label.corrected"
    about: ClassVar[str] = "decision:{decision_id}"

    label_id: Annotated[UUID, "Id of the new label."]
    decision_id: Annotated[UUID, "Id of the decision."]
    automation: Annotated[str, "Name of the automation."]
    value: Annotated[str | None, "The class; null if it is unknown which class was meant."]
    value_before: Annotated[str | None, "The previous class."]
    corrects: Annotated[UUID, "Id of the label that it replaces."]
    source: Annotated[LabelSource, "The source of the true class."]
    known_at: Annotated[datetime, "When it became known."]
    by: Annotated[str, "Who corrected it."]
    reason: Annotated[str | None, "Why, if a reason was given."]


@dataclass(frozen=True, slots=True)
class LabelsImported(DomainEvent):
    """Many labels of one automation were recorded together; they have no events of their own."""

    type: ClassVar[str] = "andon.labels.imported"
    about: ClassVar[str] = "automation:{automation}"

    automation: Annotated[str, "Name of the automation."]
    recorded: Annotated[int, "How many labels were recorded."]
    corrected: Annotated[int, "How many of them change what their source reported before."]
    repeated: Annotated[int, "How many rows repeat what was already recorded."]
    first: Annotated[UUID, "Id of the first label; the ids of all lie between it and the last."]
    last: Annotated[UUID, "Id of the last label."]
    digest: Annotated[str, "SHA-256 over the labels, in the order of their ids."]
    by: Annotated[str, "Who recorded them."]
