"""Triggers: where events come from that are decided without a call. A declaration names a place; its address is a setting."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Read: TypeAlias = Callable[[Mapping[str, Any]], Mapping[str, Any] | None]
"""Makes the contract's input of an event's data; None leaves the event out. Pure."""


@dataclass(frozen=True, slots=True)
class Trigger:
    """One stream of events into an automation.

    `source` is the kind (`kafka`, `nats`, `table`, `schedule`, `files`, `http`), `place` the topic, subject, table or folder,
    `connection` the name of the server under `[connections.NAME]` in andon.toml. Of CloudEvents only those of `types` are
    taken, all if there are none; the others are left out. `read` makes the input of an event's data.
    """

    source: str
    place: str
    connection: str = ""
    types: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)
    read: Read | None = None

    @property
    def name(self) -> str:
        """What distinguishes it from other triggers of its automation, e.g. `kafka:transfers`."""
        return f"{self.source}:{self.place}"


def kafka(topic: str, *, connection: str = "kafka", types: tuple[str, ...] = (), read: Read | None = None) -> Trigger:
    """The messages of a Kafka topic: CloudEvents (binary or structured), or JSON that is the input itself."""
    return Trigger("kafka", topic, connection, types, read=read)


def nats(
    stream: str,
    *,
    subjects: tuple[str, ...] = (),
    connection: str = "nats",
    types: tuple[str, ...] = (),
    read: Read | None = None,
) -> Trigger:
    """The messages of a NATS JetStream stream; with `subjects` each of them can be worked on by another process."""
    return Trigger("nats", stream, connection, types, {"subjects": " ".join(subjects)}, read)
