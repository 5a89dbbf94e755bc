"""Domain events: a slice publishes in the transaction of the change; higher slices subscribe at start-up.

A subscriber runs immediately, in the publisher's transaction: its writes are committed or rolled back with the change.
A slice declares its events in `published.py`; `bootstrap/catalogue.py` lists them all.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, ClassVar, TypeVar, get_type_hints

from pydantic_core import to_jsonable_python

from andon.kernel.db import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainEvent:
    """Something that happened.

    The docstring of a subclass says what, in one sentence.

    A subclass is a frozen dataclass. Each field is `Annotated` with its meaning and may be sent outside: never a
    secret, never the input of a decision. An event that belongs to one automation has a field `automation`.
    """

    type: ClassVar[str]
    """The event's public name, the type of its CloudEvent: `andon.alias.set`."""

    about: ClassVar[str]
    """The subject, with fields in braces: `model:{model}`."""

    at: datetime

    @property
    def subject(self) -> str:
        """The event's subject."""
        return self.about.format_map(self.data())

    @property
    def scope(self) -> str:
        """The automation to which it belongs; empty if there is none."""
        return getattr(self, "automation", "")

    def data(self) -> dict[str, Any]:
        """Its fields as JSON, without the time."""
        return {name: to_jsonable_python(getattr(self, name)) for name in meanings(type(self))}


E = TypeVar("E", bound=DomainEvent)


def meanings(kind: type[DomainEvent]) -> dict[str, str]:
    """Return the meaning of each field of an event, by name. Raises TypeError if a field lacks one."""
    hints = get_type_hints(kind, include_extras=True)
    found: dict[str, str] = {}
    for field in fields(kind):
        if field.name == "at":
            continue
        about = getattr(hints[field.name], "__metadata__", ())
        if not about:
            raise TypeError(f"{kind.__name__}.{field.name} has no description: expected Annotated[..., 'meaning']")
        found[field.name] = about[0]
    return found


class Events:
    """The subscribers of each event. Built once in `bootstrap` and handed to every publisher."""

    def __init__(self) -> None:
        self._subscribers: dict[type[DomainEvent], list[Callable[[Tx, Any], None]]] = defaultdict(list)

    def subscribe(self, kind: type[E], subscriber: Callable[[Tx, E], None]) -> None:
        """Call `subscriber(tx, event)` for each event of exactly this class, or of every class for `DomainEvent`."""
        self._subscribers[kind].append(subscriber)

    def publish(self, tx: Tx, event: DomainEvent) -> None:
        """Call all subscribers in the order of subscription; an exception undoes the transaction."""
        for subscriber in (*self._subscribers[type(event)], *self._subscribers[DomainEvent]):
            subscriber(tx, event)
