"""The events of features."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from andon.kernel.events import DomainEvent


@dataclass(frozen=True, slots=True)
class ExpectationBreached(DomainEvent):
    """A value did not meet its automation's expectations, for the first time in a minute."""

    type: ClassVar[str] = "andon.expectation.breached"
    about: ClassVar[str] = "automation:{automation}"

    automation: Annotated[str, "Name of the automation."]
    name: Annotated[str, "Name of the feature or field."]
