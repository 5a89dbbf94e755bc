"""The events of actions: new dead letters, and what people did with them.

A bulk change is one event for each destination; what people have sent again, one for each hundred at a destination.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar
from uuid import UUID

from andon.kernel.events import DomainEvent

NAMED = 100
"""The number of ids that one event names."""


@dataclass(frozen=True, slots=True)
class ActionsDied(DomainEvent):
    """Actions were given up and wait as dead letters for a person."""

    type: ClassVar[str] = "andon.action.died"
    about: ClassVar[str] = "destination:{destination}"

    automation: Annotated[str, "Name of the automation; empty for Andon's own events sent outside."]
    destination: Annotated[str, "Name of the destination."]
    count: Annotated[int, "How many."]
    ids: Annotated[Sequence[UUID], "Ids of the actions, at most a hundred."]


@dataclass(frozen=True, slots=True)
class ActionsRevived(DomainEvent):
    """A person had dead letters sent again; if there are many for one destination, each hundred has one event."""

    type: ClassVar[str] = "andon.action.revived"
    about: ClassVar[str] = "destination:{destination}"

    automation: Annotated[str, "Name of the automation; empty for Andon's own events sent outside."]
    destination: Annotated[str, "Name of the destination."]
    count: Annotated[int, "How many."]
    ids: Annotated[Sequence[UUID], "Their ids, at most a hundred."]
    by: Annotated[str, "Who had them sent again."]
    reason: Annotated[str, "Why."]


@dataclass(frozen=True, slots=True)
class ActionConfirmed(DomainEvent):
    """A person confirmed that the receiver got a dead letter after all."""

    type: ClassVar[str] = "andon.action.confirmed"
    about: ClassVar[str] = "destination:{destination}"

    automation: Annotated[str, "Name of the automation; empty for Andon's own events sent outside."]
    destination: Annotated[str, "Name of the destination."]
    id: Annotated[UUID, "Id of the action."]
    by: Annotated[str, "The person who confirmed it."]
    reason: Annotated[str, "How."]
