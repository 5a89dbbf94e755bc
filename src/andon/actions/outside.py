"""Events of Andon itself, sent outside: a matching route turns one into an outbox message in the event's transaction.

From there it is delivered like every action: retried, under one key, and in the end a dead letter.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from andon.actions.published import ActionsDied
from andon.decisions import DELIVER_ACTION
from andon.kernel import outbox
from andon.kernel.db import Tx
from andon.kernel.events import DomainEvent, Events
from andon.kernel.ids import uuid7
from andon.kernel.outbox import Message

EVERY = "*"


@dataclass(frozen=True, slots=True)
class EventRoute:
    """The types of events that one destination gets. A type may end in `.*`; `*` stands for all."""

    types: Sequence[str]
    destination: str
    connector: str
    options: Mapping[str, Any]

    def takes(self, event: str) -> bool:
        """Return whether an event of this type goes here."""
        return any(matches(pattern, event) for pattern in self.types)


def matches(pattern: str, event: str) -> bool:
    """Return whether a pattern matches this type of event."""
    return pattern in (EVERY, event) or (pattern.endswith(".*") and event.startswith(pattern[:-1]))


def send_outside(events: Events, routes: Sequence[EventRoute]) -> None:
    """Write a message for each event and each route that takes it, from now on."""

    def write(tx: Tx, event: DomainEvent) -> None:
        if not _is_own_death(event):
            outbox.add(tx, [_message(event, route) for route in routes if route.takes(event.type)])

    if routes:
        events.subscribe(DomainEvent, write)


def _is_own_death(event: DomainEvent) -> bool:
    """Return whether the event reports failed outside events: sending it as well could go on forever."""
    return isinstance(event, ActionsDied) and event.scope == ""


def _message(event: DomainEvent, route: EventRoute) -> Message:
    identifier = uuid7(event.at)
    return Message(
        id=identifier,
        topic=DELIVER_ACTION,
        scope="",
        subject=identifier,
        payload={
            "action": event.type,
            "connector": route.connector,
            "destination": route.destination,
            "options": dict(route.options),
            "event": {"type": event.type, "subject": event.subject, "data": event.data()},
        },
        correlation_id=str(identifier),
        created_at=event.at,
        due_at=event.at,
    )
