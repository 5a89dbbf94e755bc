"""What a source of events implements: logs that can be read again from any position. The positions are kept in PostgreSQL.

A source remembers nothing, acknowledges nothing and decides nothing. Which process reads which partition, and how far it
is, stand in the ledger's database and move in the transaction that records the decisions, so that each event has its
effect exactly once whatever is killed, without a broker's transactions or consumer groups.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol, runtime_checkable

from msgspec import Struct


class Arrival(Struct, frozen=True, gc=False):
    """One message as it came. Positions grow within a partition, not always by one."""

    position: int
    data: bytes
    headers: Mapping[str, str] = {}
    """Names in lower case, as HTTP has them."""
    key: str | None = None
    at: datetime | None = None
    """When the source took it, if it says so."""
    caller: str | None = None
    """Who sent it, if the source has made sure of it."""
    unreadable: str | None = None
    """Why it cannot be decided, if the source found that out."""


class Source(Protocol):
    """One topic, stream, table or folder. Raises SourceUnavailable when it does not answer: try again; StreamMissing when it is not there."""

    async def partitions(self) -> Sequence[str]:
        """The logs it consists of now; they may become more."""
        ...

    async def start(self, partition: str) -> int:
        """The position of the oldest message that is still there, or where the first will be."""
        ...

    async def end(self, partition: str) -> int:
        """The position after the newest message."""
        ...

    async def position_at(self, partition: str, moment: datetime) -> int:
        """The position of the first message that was taken at this moment or later; `end` if there is none."""
        ...

    async def read(self, partition: str, position: int, *, most: int, wait: float) -> Sequence[Arrival]:
        """Up to `most` messages from `position` on, in order; what is there at once, else the first that come within `wait` seconds."""
        ...

    async def close(self) -> None:
        """Let go of all connections."""
        ...


@runtime_checkable
class PutsAway(Protocol):
    """What a source implements besides whose partitions have an end, as files do."""

    async def put_away(self, partition: str) -> None:
        """All of a partition is decided: it need not be there any more."""
        ...
