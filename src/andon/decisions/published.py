"""The events of releases."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from andon.kernel.events import DomainEvent


@dataclass(frozen=True, slots=True)
class AutomationReleased(DomainEvent):
    """Another version of an automation may decide."""

    type: ClassVar[str] = "andon.automation.released"
    about: ClassVar[str] = "automation:{automation}"

    automation: Annotated[str, "Name of the automation."]
    number: Annotated[int, "Number of the release."]
    version: Annotated[int, "Version of the automation that may decide."]
    before: Annotated[int | None, "Previous version; null for the first release."]
    by: Annotated[str, "Who released it."]
    reason: Annotated[str, "Why."]
