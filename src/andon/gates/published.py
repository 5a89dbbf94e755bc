"""The events of gates."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, ClassVar

from andon.gates.domain import GateSegment, Origin
from andon.kernel.events import DomainEvent


@dataclass(frozen=True, slots=True)
class GateRevised(DomainEvent):
    """An arm has a new revision of its risk gate."""

    type: ClassVar[str] = "andon.gate.revised"
    about: ClassVar[str] = "automation:{automation}"

    automation: Annotated[str, "Name of the automation."]
    arm: Annotated[str, "Name of the arm: model, version and policy version."]
    revision: Annotated[int, "Number of the revision."]
    threshold: Annotated[float, "Confidence from which a prediction is certain; 2 lets nothing through."]
    threshold_before: Annotated[float | None, "Previous threshold; null for the first revision."]
    target: Annotated[float, "Error that the gate bounds."]
    origin: Annotated[Origin, "Its origin: held-out evidence, labels of decisions, or a person."]
    expires_at: Annotated[datetime | None, "When it expires; null for never."]
    by: Annotated[str, "Who or what made it."]
    reason: Annotated[str, "Why."]
    segment: Annotated[GateSegment, "Field of the contract and its value; empty for the whole line."] = field(
        default_factory=dict
    )
    predicted: Annotated[str, "Predicted class that it concerns; empty for all."] = ""


@dataclass(frozen=True, slots=True)
class AuditShareSet(DomainEvent):
    """The share of blind audits of an automation changed."""

    type: ClassVar[str] = "andon.blindaudit.share_set"
    about: ClassVar[str] = "automation:{automation}"

    automation: Annotated[str, "Name of the automation."]
    share: Annotated[float, "Share of the automatic decisions that are drawn, 0 to 1."]
    share_before: Annotated[float | None, "Previous share; null if it was the declared one."]
    by: Annotated[str, "Who or what changed it."]
    reason: Annotated[str, "Why."]
