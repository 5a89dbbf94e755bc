"""One stream in one process: its partitions are read ahead concurrently, and decided in batches of one commit each.

Natural batching: while one batch is decided and recorded, the next messages are fetched and read; after the commit
they form the next batch. A kill loses no state: positions are in the database.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, Protocol, TypeVar
from uuid import UUID

import structlog

from andon.decisions import Alongside, DecisionRequest, Fenced
from andon.kernel.clock import Clock
from andon.kernel.db import Database, Tx
from andon.kernel.errors import AndonError, Unavailable
from andon.streams import journal, places
from andon.streams.domain import END, START, StreamKey
from andon.streams.errors import Poison
from andon.streams.lanes import BATCH, Lanes, Log
from andon.streams.places import RENEW_SECONDS, HeldPartition
from andon.streams.ports import PutsAway, Source
from andon.streams.progress import Moved, Progress
from andon.streams.reading import ArrivalReader, Chunk, split
from andon.streams.store import streams
from andon.streams.troubles import Troubles

log = structlog.get_logger(__name__)

T = TypeVar("T")

WAIT = 1.0
"""Seconds that one read waits for messages."""

SURVEY_SECONDS = 2.0
"""The interval at which the source is queried for its partitions and their ends."""


class Watch(Protocol):
    """Observes a stream; for metrics."""

    def moved(self, key: StreamKey, moved: Moved) -> None:
        """Record the progress of a recorded batch."""
        ...

    def stands(self, key: StreamKey, lag: int, watermark: datetime | None, partitions: int) -> None:
        """Observe the progress of the partitions that this process reads."""
        ...

    def failed(self, key: StreamKey) -> None:
        """Record that reading or deciding failed, and is retried."""
        ...

    def lost(self, key: StreamKey, messages: int) -> None:
        """Record messages that the source removed before they were read."""
        ...


class Decides(Protocol):
    """Decides batches, each in one commit with the sender's own writes."""

    async def decide(self, requests: Sequence[DecisionRequest], alongside: Alongside) -> set[UUID]:
        """Decide and record these; return the ids of new decisions. Raises Fenced if `alongside` is refused."""
        ...


class Consumer:
    """Reads and decides one stream. `run` ends when stopped, without unfinished work."""

    def __init__(
        self,
        reader: ArrivalReader,
        source: Callable[[], Source],
        deciders: Sequence[Decides],
        *,
        database: Database,
        member: UUID,
        clock: Clock,
        watch: Watch,
    ) -> None:
        self._reader = reader
        self._key = reader.key
        self._open = source
        self._source: Source | None = None
        self._deciders = deciders
        self._database = database
        self._member = member
        self._clock = clock
        self._watch = watch
        self._lanes = Lanes(len(deciders))
        self._poked = asyncio.Event()
        self._known: set[str] = set()
        self._ours: set[str] = set()
        self._troubles = Troubles(reader.key, self._show)

    def poke(self) -> None:
        """Check immediately whether somebody paused or sought this stream."""
        self._poked.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Keep our partitions, survey the source and decide, all concurrently, until stopped."""
        await self._in_thread(lambda tx: streams.declare(tx, self._key))
        deciding: asyncio.Future[Any] = asyncio.gather(
            *(self._decide_all(lane, stop) for lane in range(len(self._deciders)))
        )
        places_kept, surveyed = asyncio.ensure_future(self._keep_places()), asyncio.ensure_future(self._survey())
        told = asyncio.ensure_future(_told(stop))
        try:
            working: set[asyncio.Future[Any]] = {deciding, places_kept, surveyed, told}
            done, _ = await asyncio.wait(working, return_when=asyncio.FIRST_COMPLETED)
            self._lanes.wake()
            if stop.is_set():
                await deciding
            for task in done:
                task.result()
        finally:
            reading = [log.task for log in self._lanes.logs.values() if log.task is not None]
            await _end([told, deciding, places_kept, surveyed, *reading])
            await self._let_go()

    async def _keep_places(self) -> None:
        """Renew our lease, and read the partitions that are ours."""
        while True:
            try:
                ours = await self._in_thread(lambda tx: places.keep(tx, self._key, self._member))
                await self._follow({place.partition: place for place in ours})
            except Unavailable as error:
                log.warning("stream.lease_not_renewed", stream=str(self._key), error=type(error).__name__)
            self._poked.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._poked.wait(), RENEW_SECONDS)

    async def _follow(self, ours: Mapping[str, HeldPartition]) -> None:
        """Stop reading partitions that are lost, paused or moved; start reading ours, also after an interruption."""
        for partition in self._ours - set(ours):
            await self._drop(partition)
        self._ours = set(ours)
        for partition, ended in [
            (name, one.task) for name, one in self._lanes.logs.items() if one.task and one.task.done()
        ]:
            error = None if ended.cancelled() else ended.exception()
            log.error("stream.reading_broke_off", stream=str(self._key), partition=partition, exc_info=error)
            await self._drop(partition)
        for partition in list(self._lanes.logs):
            place = ours.get(partition)
            if place is None or place.paused or place.seek is not None:
                await self._drop(partition)
        for partition, place in ours.items():
            if place.seek is not None:
                await self._seek(place, place.seek)
            elif not place.paused and partition not in self._lanes.logs:
                begun = self._lanes.begin(place)
                begun.task = asyncio.ensure_future(self._read(partition, begun))

    async def _drop(self, partition: str) -> None:
        dropped = self._lanes.logs.pop(partition, None)
        if dropped is not None:
            dropped.chunks.clear()
            if dropped.task is not None:
                await _end([dropped.task])
        for doing in (f"read {partition}", f"seek {partition}", f"count {partition}"):
            self._troubles.forget(doing)

    async def _seek(self, place: HeldPartition, to: str) -> None:
        """Resolve the position of a seek, and continue from there."""
        try:
            source, partition = await self._opened(), place.partition
            if to == START:
                position = await source.start(partition)
            elif to == END:
                position = await source.end(partition)
            elif to.isdecimal():
                position = int(to)
            else:
                position = await source.position_at(partition, datetime.fromisoformat(to))
        except AndonError as error:
            await self._failed(f"seek {place.partition}", error)
            return
        await self._in_thread(
            lambda tx: journal.place(
                tx,
                self._key,
                partition,
                place.position,
                position,
                owner=self._member,
                seek=to,
                now=self._clock.now(),
            )
        )
        self._troubles.went_well(f"seek {place.partition}")
        self._poked.set()

    async def _survey(self) -> None:
        """Discover partitions and their ends."""
        while True:
            try:
                await self._look_around()
                self._troubles.went_well("survey")
            except AndonError as error:
                await self._failed("survey", error)
                continue
            await self._troubles.show()
            await asyncio.sleep(SURVEY_SECONDS)

    async def _look_around(self) -> None:
        source = await self._opened()
        names = list(await source.partitions())
        if set(names) - self._known:
            await self._in_thread(lambda tx: journal.add_partitions(tx, self._key, names, self._clock.now()))
            self._known |= set(names)
            self._poked.set()
        ends = await self._ends(source, names)
        now = asyncio.get_running_loop().time()
        told = {
            name: (end, self._lanes.logs[name].rate.per_second(now) if name in self._lanes.logs else 0.0)
            for name, end in ends.items()
        }
        if told:
            await self._in_thread(lambda tx: streams.set_ends(tx, self._key, self._member, told))
        for name, end in ends.items():
            if name in self._lanes.logs:
                self._lanes.logs[name].end = end
        logs = self._lanes.logs.values()
        self._watch.stands(
            self._key,
            sum(max(0, reading.end - reading.position) for reading in logs if reading.end is not None),
            min((reading.watermark for reading in logs if reading.watermark is not None), default=None),
            len(logs),
        )

    async def _ends(self, source: Source, names: Sequence[str]) -> Mapping[str, int]:
        """Return the ends of our partitions. An unreadable one is reported and does not block the others."""
        ends: dict[str, int] = {}
        for name in sorted(self._ours):
            try:
                if await self._is_there(source, name, names):
                    ends[name] = await source.end(name)
                self._troubles.went_well(f"count {name}")
            except Unavailable:
                raise
            except Exception as error:  # noqa: BLE001 - the edge to a source, as in reading
                self._watch.failed(self._key)
                if name in self._ours:  # it may have been given up meanwhile
                    await self._troubles.tell(f"count {name}", error)
        return ends

    async def _is_there(self, source: Source, partition: str, names: Sequence[str]) -> bool:
        """Return whether a partition may have more messages: a finished one is put away, a vanished one forgotten."""
        if not isinstance(source, PutsAway):
            return True
        if partition in names:
            end = await source.end(partition)
            if not await self._in_thread(lambda tx: streams.is_at(tx, self._key, self._member, partition, end)):
                return True
            await self._drop(partition)
            await source.put_away(partition)
        else:
            log.warning("stream.partition_vanished", stream=str(self._key), partition=partition)
        await self._in_thread(lambda tx: journal.finish(tx, self._key, self._member, partition, self._clock.now()))
        self._known.discard(partition)
        self._ours.discard(partition)
        await self._drop(partition)
        return False

    async def _read(self, partition: str, reading: Log) -> None:
        """Read ahead while there is room and the partition is ours."""
        while True:
            try:
                source = await self._opened()
                arrivals = await source.read(partition, reading.next, most=BATCH, wait=WAIT)
                self._troubles.went_well(f"read {partition}")
            except Exception as error:  # noqa: BLE001 - the edge to a source: whatever it raises is told and tried again
                await self._failed(f"read {partition}", error)
                continue
            while arrivals:
                chunk = self._reader.read(partition, reading.next, arrivals, self._clock.now(), most=BATCH)
                arrivals = arrivals[len(chunk.arrivals) :]
                reading.add(chunk)
                self._lanes.arrived[reading.lane].set()
                await asyncio.sleep(0)
            await reading.until_room()

    async def _decide_all(self, lane: int, stop: asyncio.Event) -> None:
        """Decide the partitions of a lane, batch after batch: while one lane waits for its commit, another computes."""
        while not stop.is_set():
            await self._lanes.arrived[lane].wait()
            chunks = self._lanes.take(lane)
            if not chunks:
                self._lanes.arrived[lane].clear()
                continue
            await self._settle(lane, chunks, stop)

    async def _settle(self, lane: int, chunks: Sequence[Chunk], stop: asyncio.Event) -> None:
        """Decide and record a batch, with retries; partitions that are no longer ours are left to their owner."""
        while chunks:
            try:
                await self._decide(lane, chunks)
            except Fenced as fenced:
                log.info("stream.fenced", stream=str(self._key), partitions=sorted(fenced.missing))
                for partition in fenced.missing:
                    await self._drop(partition)
                chunks = [chunk for chunk in chunks if chunk.partition not in fenced.missing]
                self._poked.set()
            except AndonError as error:
                await self._failed("decide", error)
                if stop.is_set():
                    return
            except Exception as error:
                log.exception("stream.batch_failed", stream=str(self._key), error=type(error).__name__)
                await self._one_by_one(lane, chunks, stop)
                return
            else:
                self._troubles.went_well("decide")
                return

    async def _decide(self, lane: int, chunks: Sequence[Chunk]) -> None:
        progress = Progress(self._key, self._member, self._reader, chunks, self._clock.now())
        await self._deciders[lane].decide([request for chunk in chunks for request in chunk.requests], progress)
        self._watch.moved(self._key, progress.moved)
        for chunk in chunks:
            reading = self._lanes.logs.get(chunk.partition)
            if reading is not None:
                reading.position, reading.watermark = chunk.next, chunk.watermark or reading.watermark
                reading.rate.add(len(chunk.requests) + len(chunk.dead) + chunk.left_out)

    async def _one_by_one(self, lane: int, chunks: Sequence[Chunk], stop: asyncio.Event) -> None:
        """Find the message in a batch that breaks the line itself, bury it, and decide the others."""
        for part in [part for chunk in chunks for part in split(self._reader, chunk, self._clock.now())]:
            if stop.is_set():
                return
            try:
                await self._decide(lane, [part])
            except (Fenced, Unavailable):
                await self._drop(part.partition)
                self._poked.set()
                return
            except Exception as error:
                log.exception("stream.event_failed", stream=str(self._key), position=part.first)
                reason = Poison(f"Deciding failed with {type(error).__name__}")
                part.dead.append(self._reader.dead(part.partition, part.arrivals[0], reason, self._clock.now()))
                part.requests, part.origins = [], []
                await self._decide(lane, [part])

    async def _opened(self) -> Source:
        if self._source is None:
            self._source = self._open()
        return self._source

    async def _failed(self, doing: str, error: Exception) -> None:
        self._watch.failed(self._key)
        await self._troubles.failed(doing, error)

    async def _show(self, problem: str | None) -> None:
        await self._in_thread(lambda tx: streams.set_problem(tx, self._key, problem, self._clock.now()))

    async def _let_go(self) -> None:
        """Give up all partitions, so that other processes need not wait."""
        with suppress(Unavailable):
            await self._in_thread(lambda tx: streams.leave(tx, self._key, self._member))
        if self._source is not None:
            await self._source.close()

    async def _in_thread(self, work: Callable[[Tx], T]) -> T:
        def transaction() -> T:
            with self._database.begin() as tx:
                return work(tx)

        return await asyncio.to_thread(transaction)


async def _told(stop: asyncio.Event) -> None:
    await stop.wait()


async def _end(tasks: Iterable[asyncio.Future[Any]]) -> None:
    """Cancel these tasks and wait until they have ended."""
    ending = list(tasks)
    for task in ending:
        task.cancel()
    await asyncio.gather(*ending, return_exceptions=True)
