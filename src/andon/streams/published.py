"""The events of streams."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar
from uuid import UUID

from andon.kernel.events import DomainEvent

NAMED = 100
"""The number of ids that one event names."""


@dataclass(frozen=True, slots=True)
class EventsDied(DomainEvent):
    """Events of a stream could not be decided and wait for a person."""

    type: ClassVar[str] = "andon.event.died"
    about: ClassVar[str] = "stream:{automation}/{stream}"

    automation: Annotated[str, "Name of the automation."]
    stream: Annotated[str, "Name of the stream."]
    count: Annotated[int, "How many."]
    ids: Annotated[Sequence[UUID], "Ids of the dead events, at most a hundred."]
