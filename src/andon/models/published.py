"""The events of models."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from andon.kernel.events import DomainEvent


@dataclass(frozen=True, slots=True)
class ModelRegistered(DomainEvent):
    """A version of a model was registered."""

    type: ClassVar[str] = "andon.model.registered"
    about: ClassVar[str] = "model:{model}"

    model: Annotated[str, "Name of the model."]
    version: Annotated[int, "Number of the version."]
    digest: Annotated[str, "Digest of the package, which is the same for the same content."]
    trusted: Annotated[bool, "Whether a pickle was accepted."]
    by: Annotated[str, "Who registered it."]
    reason: Annotated[str, "Why."]


@dataclass(frozen=True, slots=True)
class AliasSet(DomainEvent):
    """An alias points to another version of a model; the version `champion` points to answers."""

    type: ClassVar[str] = "andon.alias.set"
    about: ClassVar[str] = "model:{model}"

    model: Annotated[str, "Name of the model."]
    alias: Annotated[str, "The alias."]
    version: Annotated[int, "Number of the version it points to now."]
    before: Annotated[int | None, "Number of the version it pointed to before; none if the alias is new."]
    by: Annotated[str, "Who set it."]
    reason: Annotated[str, "Why."]


@dataclass(frozen=True, slots=True)
class VersionQuarantined(DomainEvent):
    """A version ended the process in which it was tried; it does not answer until a person releases it."""

    type: ClassVar[str] = "andon.model.quarantined"
    about: ClassVar[str] = "model:{model}"

    model: Annotated[str, "Name of the model."]
    version: Annotated[int, "Number of the version."]
    digest: Annotated[str, "Digest of the package."]
    reason: Annotated[str, "How its trial ended."]


@dataclass(frozen=True, slots=True)
class QuarantineLifted(DomainEvent):
    """A person released a version from quarantine; it is tried again before it answers."""

    type: ClassVar[str] = "andon.model.released"
    about: ClassVar[str] = "model:{model}"

    model: Annotated[str, "Name of the model."]
    version: Annotated[int, "Number of the version."]
    by: Annotated[str, "Who released it."]
    reason: Annotated[str, "Why."]
