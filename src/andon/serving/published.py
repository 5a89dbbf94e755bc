"""The events of endpoints."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

from andon.kernel.events import DomainEvent


@dataclass(frozen=True, slots=True)
class SplitSet(DomainEvent):
    """The traffic of an automation is split in another way, or other candidates look on."""

    type: ClassVar[str] = "andon.split.set"
    about: ClassVar[str] = "automation:{automation}"

    automation: Annotated[str, "Name of the automation."]
    number: Annotated[int, "Number of the split."]
    shares: Annotated[Mapping[str, float], "Percent of each candidate; the champion has the rest."]
    shadows: Annotated[Sequence[str], "Candidates that only look on."]
    shares_before: Annotated[Mapping[str, float], "Percent of each candidate until then."]
    shadows_before: Annotated[Sequence[str], "Candidates that only looked on until then."]
    by: Annotated[str, "Who set it."]
    reason: Annotated[str, "Why."]
