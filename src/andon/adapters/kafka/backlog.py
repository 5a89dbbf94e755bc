"""Messages of one partition that arrived but were not taken: in order, bounded, starting at a known position."""

from collections import deque
from datetime import UTC, datetime

from confluent_kafka import TIMESTAMP_NOT_AVAILABLE, KafkaError, Message

from andon.streams import Arrival

MOST = 4096
MOST_BYTES = 16 * 1024 * 1024
"""Bytes waiting at which fetching of the partition stops, until half of them are taken."""


class PartitionBacklog:
    """The waiting messages of one partition. `position` is the one after the newest that was taken."""

    def __init__(self, position: int) -> None:
        self.position = position
        self.error: KafkaError | None = None
        self.paused = False
        self.used_at = 0.0
        self._waiting: deque[Message] = deque()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def is_full(self) -> bool:
        """Whether fetching should stop for now."""
        return len(self._waiting) >= MOST or self._bytes >= MOST_BYTES

    @property
    def is_low(self) -> bool:
        """Whether fetching should resume."""
        return len(self._waiting) <= MOST // 2 and self._bytes <= MOST_BYTES // 2

    def add(self, message: Message) -> None:
        """Add one message, or an error."""
        error = message.error()
        if error is not None:
            self.error = error
            return
        self._waiting.append(message)
        self._bytes += len(message)

    def take(self, most: int) -> list[Arrival]:
        """Return the oldest waiting messages."""
        taken = [self._waiting.popleft() for _ in range(min(most, len(self._waiting)))]
        self._bytes -= sum(map(len, taken))
        arrivals = [arrival_of(message) for message in taken]
        if arrivals:
            self.position = arrivals[-1].position + 1
        return arrivals


def arrival_of(message: Message) -> Arrival:
    """Return a message as an arrival. Without a value (a deletion in a compacted topic) its data is empty."""
    key = message.key()
    given = message.headers()
    return Arrival(
        position=message.offset() or 0,
        data=message.value() or b"",
        headers={name.lower(): _text(value) for name, value in given} if isinstance(given, list) else _NONE,
        key=None if key is None else _text(key),
        at=_at(*message.timestamp()),
    )


def _at(kind: int, milliseconds: int) -> datetime | None:
    """Return a message's time; None if it is missing or invalid, such as microseconds in place of milliseconds."""
    if kind == TIMESTAMP_NOT_AVAILABLE:
        return None
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (ValueError, OverflowError):
        return None


_NONE: dict[str, str] = {}


def _text(value: bytes | str | None) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else value or ""
