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


@dataclass(frozen=True, slots=True)
class LabelsImported(DomainEvent):
    """Many labels of one automation were recorded together; they have no events of their own."""

    type: ClassVar[str] = "andon.labels.imported"
    about: ClassVar[str] = "automation:{automation}"

    automation: Annotated[str, "Name of the automation."]
    recorded: Annotated[int, "How many labels were recorded."]
    corrected: Annotated[int, "How many of them say otherwise than their source did before."]
    repeated: Annotated[int, "How many rows said what was recorded already."]
    first: Annotated[UUID, "Id of the first label; the ids of all lie between it and the last."]
    last: Annotated[UUID, "Id of the last label."]
    digest: Annotated[str, "SHA-256 over the labels, in the order of their ids."]
    by: Annotated[str, "Who recorded them."]
