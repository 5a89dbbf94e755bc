"""The events of actions: new dead letters, and people's acts on them.

A bulk change is one event per destination; dead letters sent again are one event per hundred at a destination.
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
    """Actions were given up and wait for a person as dead letters."""

    type: ClassVar[str] = "andon.action.died"
    about: ClassVar[str] = "destination:{destination}"

    automation: Annotated[str, "Name of the automation; empty for events to other systems."]
    destination: Annotated[str, "Name of the destination."]
    count: Annotated[int, "How many."]
    ids: Annotated[Sequence[UUID], "Ids of the actions, a hundred at most."]


@dataclass(frozen=True, slots=True)
class ActionsRevived(DomainEvent):
    """A person had dead letters sent again; for many at one destination there is one event per hundred."""

    type: ClassVar[str] = "andon.action.revived"
    about: ClassVar[str] = "destination:{destination}"

    automation: Annotated[str, "Name of the automation; empty for events to other systems."]
    destination: Annotated[str, "Name of the destination."]
    count: Annotated[int, "How many."]
    ids: Annotated[Sequence[UUID], "Their ids, a hundred at most."]
    by: Annotated[str, "Who had them sent again."]
    reason: Annotated[str, "Why."]


@dataclass(frozen=True, slots=True)
class ActionConfirmed(DomainEvent):
    """A person confirmed that the receiver took a dead letter after all."""

    type: ClassVar[str] = "andon.action.confirmed"
    about: ClassVar[str] = "destination:{destination}"

    automation: Annotated[str, "Name of the automation; empty for events to other systems."]
    destination: Annotated[str, "Name of the destination."]
    id: Annotated[UUID, "Id of the action."]
    by: Annotated[str, "Who found out."]
    reason: Annotated[str, "How."]
