"""What a connector implements: one attempt to reach one outside system. Everything around it is the delivery loop's work.

A connector sends at most once a call, under the key it is given, and says honestly what it knows of the outcome.
It never raises for what the outside does, never retries, and never puts a secret into what it answers.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from pydantic import SecretStr

from andon.actions.domain import Answer, AnswerKind

__all__ = ["Answer", "AnswerKind", "Connector", "Delivery", "Destination"]


@dataclass(frozen=True, slots=True)
class Destination:
    """Where one outside system is and how it wants to be treated (`[destinations.NAME]` in andon.toml)."""

    name: str
    url: str
    secrets: tuple[SecretStr, ...] = ()
    timeout: timedelta = timedelta(seconds=10)
    max_attempts: int = 12
    allow_private: bool = False


@dataclass(frozen=True, slots=True)
class Delivery:
    """What one attempt has to bring across. `key` stays the same over all attempts, so a receiver can ignore repeats."""

    key: UUID
    destination: Destination
    automation: str
    action: str
    outcome: str
    data: Mapping[str, Any]
    created_at: datetime
    correlation_id: str
    traceparent: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)


class Connector(Protocol):
    """The code that reaches one kind of outside system."""

    async def deliver(self, delivery: Delivery) -> Answer:
        """Try once, within `delivery.destination.timeout`."""
        ...

    async def close(self) -> None:
        """Give up all connections."""
        ...
