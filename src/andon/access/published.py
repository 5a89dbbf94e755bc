"""The events of keys."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, ClassVar
from uuid import UUID

from andon.kernel.events import DomainEvent


@dataclass(frozen=True, slots=True)
class KeyCreated(DomainEvent):
    """An API key was created; the event does not contain the key."""

    type: ClassVar[str] = "andon.key.created"
    about: ClassVar[str] = "key:{id}"

    id: Annotated[UUID, "Id of the key."]
    name: Annotated[str, "The holder's name."]
    grants: Annotated[Sequence[Mapping[str, str | None]], "Each role with its automation; none for all automations."]
    expires_at: Annotated[datetime | None, "When it expires; none if it does not."]
    by: Annotated[str, "Who created it."]
    reason: Annotated[str, "Why."]


@dataclass(frozen=True, slots=True)
class KeyRegranted(DomainEvent):
    """The grants of an API key were changed."""

    type: ClassVar[str] = "andon.key.regranted"
    about: ClassVar[str] = "key:{id}"

    id: Annotated[UUID, "Id of the key."]
    name: Annotated[str, "The holder's name."]
    grants: Annotated[Sequence[Mapping[str, str | None]], "Each role with its automation; none for all automations."]
    grants_before: Annotated[Sequence[Mapping[str, str | None]], "The previous grants."]
    by: Annotated[str, "Who changed them."]
    reason: Annotated[str, "Why."]


@dataclass(frozen=True, slots=True)
class KeyClosed(DomainEvent):
    """An API key was revoked permanently."""

    type: ClassVar[str] = "andon.key.revoked"
    about: ClassVar[str] = "key:{id}"

    id: Annotated[UUID, "Id of the key."]
    name: Annotated[str, "The holder's name."]
    by: Annotated[str, "Who revoked it."]
    reason: Annotated[str, "Why."]
