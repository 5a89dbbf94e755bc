"""The event of measures."""

from dataclasses import dataclass
from typing import Annotated, ClassVar
from uuid import UUID

from andon.kernel.events import DomainEvent


@dataclass(frozen=True, slots=True)
class MeasuresReported(DomainEvent):
    """Other systems reported the value of decisions of one automation."""

    type: ClassVar[str] = "andon.measures.reported"
    about: ClassVar[str] = "automation:{automation}"

    automation: Annotated[str, "Name of the automation."]
    recorded: Annotated[int, "How many values were recorded."]
    first: Annotated[UUID, "Id of the first report; the ids of all lie between it and the last."]
    last: Annotated[UUID, "Id of the last report."]
    by: Annotated[str, "Who recorded them."]
