"""Events go up: a slice publishes what happened in the transaction in which it happened; higher slices subscribed at start-up.

A subscriber runs at once, in the publisher's transaction: what it writes stands or falls with the change it reacts to.
"""

from collections import defaultdict
from collections.abc import Callable
from typing import Any, TypeVar

from andon.kernel.db import Tx

E = TypeVar("E")


class Events:
    """Who wants to hear of what. Built once in `bootstrap`, handed to whoever publishes."""

    def __init__(self) -> None:
        self._subscribers: dict[type[Any], list[Callable[[Tx, Any], None]]] = defaultdict(list)

    def subscribe(self, kind: type[E], subscriber: Callable[[Tx, E], None]) -> None:
        """Call `subscriber(tx, event)` for each published event of exactly this class."""
        self._subscribers[kind].append(subscriber)

    def publish(self, tx: Tx, event: object) -> None:
        """Tell all subscribers, in the order in which they subscribed; what one raises undoes the transaction."""
        for subscriber in self._subscribers[type(event)]:
            subscriber(tx, event)
