"""The events of endpoints."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

from andon.kernel.events import DomainEvent


@dataclass(frozen=True, slots=True)
class SplitSet(DomainEvent):
    """The traffic split of an automation, or its shadows, changed."""

    type: ClassVar[str] = "andon.split.set"
    about: ClassVar[str] = "automation:{automation}"

    automation: Annotated[str, "Name of the automation."]
    number: Annotated[int, "Number of the split."]
    shares: Annotated[Mapping[str, float], "Percentage of each candidate; the champion has the rest."]
    shadows: Annotated[Sequence[str], "Candidates that run as shadows."]
    shares_before: Annotated[Mapping[str, float], "Previous percentage of each candidate."]
    shadows_before: Annotated[Sequence[str], "Candidates that ran as shadows before."]
    by: Annotated[str, "Who set it."]
    reason: Annotated[str, "Why."]
