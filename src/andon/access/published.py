"""The events of keys."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, ClassVar
from uuid import UUID

from andon.kernel.events import DomainEvent


@dataclass(frozen=True, slots=True)
class KeyCreated(DomainEvent):
    """An API key was made; its text is not part of this."""

    type: ClassVar[str] = "andon.key.created"
    about: ClassVar[str] = "key:{id}"

    id: Annotated[UUID, "Id of the key."]
    name: Annotated[str, "Who or what holds it."]
    grants: Annotated[Sequence[Mapping[str, str | None]], "Each role, and the automation it is for; none for all."]
    expires_at: Annotated[datetime | None, "When it ends; none if it does not."]
    by: Annotated[str, "Who made it."]
    reason: Annotated[str, "Why."]


@dataclass(frozen=True, slots=True)
class KeyRegranted(DomainEvent):
    """The grants of an API key were changed."""

    type: ClassVar[str] = "andon.key.regranted"
    about: ClassVar[str] = "key:{id}"

    id: Annotated[UUID, "Id of the key."]
    name: Annotated[str, "Who or what holds it."]
    grants: Annotated[Sequence[Mapping[str, str | None]], "Each role, and the automation it is for; none for all."]
    grants_before: Annotated[Sequence[Mapping[str, str | None]], "The grants until then."]
    by: Annotated[str, "Who changed them."]
    reason: Annotated[str, "Why."]


@dataclass(frozen=True, slots=True)
class KeyClosed(DomainEvent):
    """An API key was closed for ever."""

    type: ClassVar[str] = "andon.key.revoked"
    about: ClassVar[str] = "key:{id}"

    id: Annotated[UUID, "Id of the key."]
    name: Annotated[str, "Who or what held it."]
    by: Annotated[str, "Who closed it."]
    reason: Annotated[str, "Why."]
