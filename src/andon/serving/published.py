"""The events of endpoints."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

from andon.kernel.events import DomainEvent


@dataclass(frozen=True, slots=True)
class SplitSet(DomainEvent):
    """The traffic of an endpoint is split in another way, or other versions look on."""

    type: ClassVar[str] = "andon.split.set"
    about: ClassVar[str] = "model:{endpoint}"

    endpoint: Annotated[str, "Name of the endpoint, which is that of its model."]
    number: Annotated[int, "Number of the split."]
    shares: Annotated[Mapping[int, float], "Percent of each version; the champion has the rest."]
    shadows: Annotated[Sequence[int], "Versions that only look on."]
    shares_before: Annotated[Mapping[int, float], "Percent of each version until then."]
    shadows_before: Annotated[Sequence[int], "Versions that only looked on until then."]
    by: Annotated[str, "Who set it."]
    reason: Annotated[str, "Why."]
