"""Streams: events into an automation, partition by partition, and those that could not be decided. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from andon.kernel.errors import Fault
from andon.streams.errors import SeekInvalid

START, END = "start", "end"
"""The named places to which a stream can seek, besides a position and a moment."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


SHELVES = 4
"""Partitions of the HTTP events of one automation: the number of workers that can share them."""

FINISHED = "(done)"
"""Stands for all partitions of a stream that were read to their end and are gone, such as files moved away."""


class StreamKey(NamedTuple):
    """The key of a stream: a trigger (`kafka:transfers`) of an automation."""

    automation: str
    stream: str

    def __str__(self) -> str:
        return f"{self.automation}/{self.stream}"


class StreamState(StrEnum):
    """The states of a stream."""

    READING = "reading"
    PAUSED = "paused"
    TROUBLED = "troubled"
    """A worker cannot read or decide it; it tries again."""
    IDLE = "idle"
    """No worker reads it."""


@dataclass(frozen=True, slots=True)
class Partition:
    """The progress of one log of a stream. The counts are of events since it was first read."""

    name: str
    position: int
    seek: str | None
    owner: UUID | None
    end: int | None
    watermark: datetime | None
    moved_at: datetime | None
    decided: int
    repeated: int
    left_out: int
    dead: int
    per_second: float | None = None
    """The reader's recent rate of events a second; None if nobody reads it."""
    paused: bool = False

    @property
    def lag(self) -> int | None:
        """The approximate number of unread messages; None if the source was not asked yet."""
        return None if self.end is None or self.seek is not None else max(0, self.end - self.position)


@dataclass(frozen=True, slots=True)
class Stream:
    """The state of one stream: its partitions, its pause, and its last problem."""

    key: StreamKey
    partitions: Sequence[Partition]
    paused_at: datetime | None = None
    paused_by: str | None = None
    pause_reason: str | None = None
    problem: str | None = None
    problem_at: datetime | None = None

    @property
    def state(self) -> StreamState:
        """The state in one word."""
        if self.paused_at is not None:
            return StreamState.PAUSED
        if self.problem is not None:
            return StreamState.TROUBLED
        return StreamState.READING if any(p.owner is not None for p in self.partitions) else StreamState.IDLE

    @property
    def lag(self) -> int | None:
        """The approximate number of unread messages in all partitions; None if no source was asked yet."""
        known = [p.lag for p in self.partitions if p.lag is not None]
        return sum(known) if known else None

    @property
    def per_second(self) -> float | None:
        """The rate of events a second over all partitions; None if nobody reads them."""
        known = [p.per_second for p in self.partitions if p.per_second is not None]
        return sum(known) if known else None

    @property
    def watermark(self) -> datetime | None:
        """The newest event time, taken from the partition where it is oldest.

        Partitions without a lag do not hold it back.
        """
        behind = [p.watermark for p in self.partitions if p.watermark is not None and p.lag != 0]
        known = [p.watermark for p in self.partitions if p.watermark is not None]
        return min(behind) if behind else max(known, default=None)

    def total(self, count: str) -> int:
        """Return the sum of one count over all partitions."""
        return sum(getattr(partition, count) for partition in self.partitions)


class DeadState(StrEnum):
    """The states of a dead event."""

    DEAD = "dead"
    SENT = "sent"
    DISCARDED = "discarded"


@dataclass(frozen=True, slots=True)
class DeadEvent:
    """An event that could not be decided, as it arrived."""

    id: UUID
    automation: str
    stream: str
    partition: str
    position: int
    source: str | None
    event_id: str | None
    type: str | None
    reason: str
    faults: Sequence[Fault]
    data: bytes
    headers: Mapping[str, str]
    key: str | None
    caller: str
    correlation_id: str | None
    traceparent: str | None
    happened_at: datetime | None
    died_at: datetime
    state: DeadState = DeadState.DEAD
    settled_at: datetime | None = None
    settled_by: str | None = None
    settle_reason: str | None = None
    decision_id: UUID | None = None


def seek_to(text: str) -> str:
    """Return the normalized target of a seek. Raises SeekInvalid.

    It is `start`, `end`, a position, or a moment with its zone, of 1970 or later.
    """
    if text in (START, END) or (text.isascii() and text.isdecimal() and len(text) <= 18):
        return text
    moment = moment_of(text)
    if moment is None or moment < _EPOCH:
        raise SeekInvalid(
            "A stream continues at `start`, `end`, a position (a whole number) or a moment since 1970 such as "
            f"2026-11-25T09:30:00Z, not at {text[:60]!r}"
        )
    return moment.isoformat()


def moment_of(text: str) -> datetime | None:
    """Parse an RFC 3339 time into UTC; None if it is malformed or has no zone."""
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is UTC:
            return moment
        return None if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def share_of(members: Sequence[UUID], me: UUID, partitions: int) -> int:
    """Return the number of partitions that `me` reads; `members` are in order of arrival, to avoid needless moves."""
    if me not in members:
        return 0
    each, left = divmod(partitions, len(members))
    return each + (members.index(me) < left)
