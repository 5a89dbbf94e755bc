"""The events of the cord."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar

from andon.cord.domain import LineState, Scalar
from andon.kernel.events import DomainEvent


@dataclass(frozen=True, slots=True)
class LineStateChanged(DomainEvent):
    """The cord of a line, or of a segment of it, was pulled or released."""

    type: ClassVar[str] = "andon.line.changed"
    about: ClassVar[str] = "automation:{automation}"

    automation: Annotated[str, "Name of the automation."]
    number: Annotated[int, "Number of the change."]
    segment: Annotated[Mapping[str, Scalar], "Fields of the contract and their values; empty for the whole line."]
    before: Annotated[LineState, "Previous state."]
    after: Annotated[LineState, "New state."]
    by: Annotated[str, "Who changed it."]
    reason: Annotated[str, "Why."]
