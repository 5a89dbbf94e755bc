"""The events of policies."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from andon.kernel.events import DomainEvent


@dataclass(frozen=True, slots=True)
class PolicyPutInForce(DomainEvent):
    """A published policy version decides for an automation from now on."""

    type: ClassVar[str] = "andon.policy.in_force"
    about: ClassVar[str] = "automation:{automation}"

    automation: Annotated[str, "Name of the automation."]
    number: Annotated[int, "Number of the change."]
    version: Annotated[str, "Version of the policy."]
    before: Annotated[str | None, "Previous version; null for the first."]
    by: Annotated[str, "Who put it in force."]
    reason: Annotated[str, "Why."]
