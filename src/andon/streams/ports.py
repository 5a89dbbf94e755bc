"""The interface of a source of events: logs that can be read again from any position. PostgreSQL keeps the positions.

A source remembers nothing, acknowledges nothing and decides nothing. The owner and the position of each partition are
in the ledger's database and change in the transaction that records the decisions. So each event has its effect exactly
once, whichever process is killed, without a broker's transactions or consumer groups.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol, runtime_checkable

from msgspec import Struct


class MailCopy(Struct, frozen=True, gc=False):
    """A copy of a mail in a folder. `identity` is the same for all copies; `decided` says that one was decided."""

    identity: str
    message_id: str
    folder: str
    decided: bool = False


class Arrival(Struct, frozen=True, gc=False):
    """One message as it arrived. Positions grow within a partition, not always by one."""

    position: int
    data: bytes
    headers: Mapping[str, str] = {}
    """Names in lower case, as HTTP has them."""
    key: str | None = None
    at: datetime | None = None
    """When the source received it, if it says so."""
    caller: str | None = None
    """The sender, if the source has verified it."""
    unreadable: str | None = None
    """Why it cannot be decided, if the source found that out."""
    mail: "MailCopy | None" = None
    """The mail, if the message is one: it is decided once, however many copies of it turn up."""


class Source(Protocol):
    """One topic, stream, table or folder.

    Raises SourceUnavailable when it does not answer (the caller tries again), and StreamMissing when it does not exist.
    """

    async def partitions(self) -> Sequence[str]:
        """Return its current logs; there may be more later."""
        ...

    async def start(self, partition: str) -> int:
        """Return the position of the oldest retained message, or of the first one to come."""
        ...

    async def end(self, partition: str) -> int:
        """Return the position after the newest message."""
        ...

    async def position_at(self, partition: str, moment: datetime) -> int:
        """Return the position of the first message taken at this moment or later; `end` if there is none."""
        ...

    async def read(self, partition: str, position: int, *, most: int, wait: float) -> Sequence[Arrival]:
        """Return up to `most` messages from `position` on, in order: those present, or the first that arrive.

        It waits for the first at most `wait` seconds.
        """
        ...

    async def close(self) -> None:
        """Close all connections."""
        ...


@runtime_checkable
class PutsAway(Protocol):
    """The addition to a source whose partitions have an end, as files do."""

    async def put_away(self, partition: str) -> None:
        """Put a partition away: all of it is decided."""
        ...
