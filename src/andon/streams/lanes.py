"""Chunks read ahead from the partitions of one stream, and their batches: each partition belongs to a lane."""

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from andon.streams.places import HeldPartition
from andon.streams.rate import Rate
from andon.streams.reading import Chunk

BATCH = 500
"""Events in one commit, at most, unless one message holds more."""

AHEAD = 1000
"""Events of one partition that are read ahead of the commit."""

LARGE_BYTES = 20_000
"""The bytes above which an event counts as several: a batch holds ten megabytes, unless one message is larger."""


@dataclass(slots=True)
class Log:
    """A partition being read: the chunks that wait, and how far it is decided."""

    place: HeldPartition
    next: int
    lane: int
    rate: Rate
    chunks: deque[Chunk] = field(default_factory=deque)
    ahead: int = 0
    room: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None
    position: int = 0
    end: int | None = None
    watermark: datetime | None = None

    def add(self, chunk: Chunk) -> None:
        """Add a chunk that was read."""
        self.next = chunk.next
        self.chunks.append(chunk)
        self.ahead += weight(chunk)

    async def until_room(self) -> None:
        """Wait until there is room to read ahead."""
        while self.ahead >= AHEAD:
            self.room.clear()
            await self.room.wait()

    def take(self) -> Chunk:
        """Remove and return the oldest waiting chunk, to be decided now."""
        chunk = self.chunks.popleft()
        self.ahead -= weight(chunk)
        self.room.set()
        return chunk


class Lanes:
    """The logs of a stream, by partition and by lane."""

    def __init__(self, count: int) -> None:
        self.logs: dict[str, Log] = {}
        self.arrived = [asyncio.Event() for _ in range(count)]
        """By lane: set while there may be work for it."""

    def begin(self, place: HeldPartition) -> Log:
        """Begin a log for a partition, in the lane with the fewest partitions; nothing is read yet."""
        taken = [log.lane for log in self.logs.values()]
        lane = min(range(len(self.arrived)), key=taken.count)
        begun = Log(place, place.position, lane, Rate(asyncio.get_running_loop().time()), position=place.position)
        self.logs[place.partition] = begun
        return begun

    def wake(self) -> None:
        """Make every lane check for work."""
        for arrived in self.arrived:
            arrived.set()

    def take(self, lane: int) -> list[Chunk]:
        """Return the next batch of a lane: chunks of its partitions in turn, as many as fit, round robin."""
        taken: list[Chunk] = []
        size = 0
        while True:
            before = len(taken)
            for name, log in self._waiting(lane).items():
                if taken and size + weight(log.chunks[0]) > BATCH:
                    continue
                self.logs[name] = self.logs.pop(name)
                chunk = log.take()
                taken.append(chunk)
                size += weight(chunk)
            if len(taken) == before:
                return taken

    def _waiting(self, lane: int) -> Mapping[str, Log]:
        return {name: log for name, log in self.logs.items() if log.lane == lane and log.chunks}


def weight(chunk: Chunk) -> int:
    """Return the chunk's part of a batch: by its events, or by its bytes if they are large."""
    size = sum(len(arrival.data) for arrival in chunk.arrivals)
    return max(len(chunk.arrivals), len(chunk.requests), size // LARGE_BYTES)
