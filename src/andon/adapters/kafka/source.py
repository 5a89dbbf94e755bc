"""One topic as a `Source`: partitions are assigned at our positions, and one client reads them all.

The client prefetches in threads of its own and within bounds; this module only polls for what has arrived. All calls
that may wait for the broker run in one thread, so that nothing is active in the client when it is closed.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from time import monotonic
from typing import Any, TypeVar

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from andon.adapters.kafka.backlog import PartitionBacklog
from andon.streams import Arrival, PositionGone, SourceUnavailable, StreamMissing

log = structlog.get_logger(__name__)

T = TypeVar("T")

HELPING = 512
"""Messages taken from the client in one poll."""

LOOK_SECONDS = 0.1
"""The longest wait of one poll; the client serves no other request meanwhile."""

ANSWER_SECONDS = 5.0
"""The longest that a broker may take to answer."""

FORGET_SECONDS = 30.0
"""The time without a read after which a partition is no longer fetched, as another process reads it."""

MIRROR_SECONDS = 5.0
"""The interval at which positions are reported to the broker, if they are."""

_CLIENT = {
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
    "auto.offset.reset": "error",
    "queued.min.messages": 10_000,
    "queued.max.messages.kbytes": 16_384,
    "fetch.queue.backoff.ms": 10,
    "fetch.wait.max.ms": 100,
    "reconnect.backoff.max.ms": 2_000,
    "log_level": 0,
}
"""Errors and events report failures, not the client's own log."""

_UNSURE = (KafkaError._UNKNOWN_TOPIC, KafkaError._UNKNOWN_PARTITION)
"""Errors for a topic unknown to the client: it may not exist, or no broker can say at the moment where it is."""

_OUT_OF_RANGE = (KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE)


class KafkaSource:
    """Reads a topic. `client` holds librdkafka's settings for the connection. Use from one event loop.

    With a `group.id` in `client`, positions are also committed to the broker under that group, for tools that show lag;
    they are never read back. `lost` receives the number of messages that were removed before they were read.
    """

    def __init__(self, client: Mapping[str, Any], topic: str, *, lost: Callable[[str, int], None]) -> None:
        self._topic = topic
        self._lost = lost
        self._mirror = "group.id" in client
        self._backlogs: dict[int, PartitionBacklog] = {}
        self._arrived = asyncio.Condition()
        self._taking = asyncio.Lock()
        self._looking: asyncio.Task[None] | None = None
        self._hungry = 0
        self._closed = False
        self._down = False
        self._said = ""
        self._mirrored_at = 0.0
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"kafka-{topic}")
        self._consumer = Consumer({**_CLIENT, "group.id": "andon", **client, "error_cb": self._heard})

    @property
    def waiting(self) -> Mapping[str, int]:
        """The number of messages of each partition that arrived but were not taken yet."""
        return {str(number): len(backlog) for number, backlog in self._backlogs.items()}

    async def partitions(self) -> Sequence[str]:
        """Return the topic's current partitions, by number."""
        found = (await self._ask(lambda: self._consumer.list_topics(self._topic, timeout=ANSWER_SECONDS))).topics
        topic = found.get(self._topic)
        if topic is None or topic.error is not None or not topic.partitions:
            raise self._problem(topic.error if topic is not None else None)
        return [str(number) for number in sorted(topic.partitions)]

    async def start(self, partition: str) -> int:
        """Return the oldest offset that the broker keeps."""
        return (await self._range(partition))[0]

    async def end(self, partition: str) -> int:
        """Return the offset that the next message gets."""
        asked = (await self._range(partition))[1]
        if int(partition) not in self._backlogs:
            return asked
        known = TopicPartition(self._topic, int(partition))
        _, fetched = await self._ask(lambda: self._consumer.get_watermark_offsets(known, cached=True))
        return max(asked, int(fetched))

    async def position_at(self, partition: str, moment: datetime) -> int:
        """Return the offset of the first message from a moment on."""
        wanted = TopicPartition(self._topic, int(partition), int(moment.timestamp() * 1000))
        [found] = await self._ask(lambda: self._consumer.offsets_for_times([wanted], timeout=ANSWER_SECONDS))
        if found.error is not None:
            raise self._problem(found.error)
        return int(found.offset) if found.offset >= 0 else await self.end(partition)

    async def read(self, partition: str, position: int, *, most: int, wait: float) -> Sequence[Arrival]:
        """Return the messages, starting at `position`.

        Raises PositionGone if the broker reports that the topic ends before it.
        """
        number = int(partition)
        backlog = self._backlogs.get(number)
        if backlog is None or backlog.position != position:
            backlog = await self._assign(number, position)
        backlog.used_at = monotonic()
        if not len(backlog) and backlog.error is None:
            await self._wait_for(backlog, wait)
        if not len(backlog):
            await self._check(backlog, number)
        arrivals = backlog.take(most)
        if backlog.paused and backlog.is_low:
            backlog.paused = False
            self._consumer.resume([TopicPartition(self._topic, number)])
        self._tell_positions()
        return arrivals

    async def close(self) -> None:
        """Close the connections to the brokers."""
        looking, self._looking = self._looking, None
        if looking is not None:
            looking.cancel()
            await asyncio.wait([looking])
        if not self._closed:
            self._closed = True
            await asyncio.to_thread(self._thread.shutdown)
            await asyncio.to_thread(self._consumer.close)

    async def _assign(self, number: int, position: int) -> PartitionBacklog:
        """Have a partition fetched from a position, and nothing before it.

        A poll under way holds messages fetched from the previous position, so it is awaited first.
        """
        start, _ = await self._range(str(number))
        if position < start:
            self._lost(str(number), start - position)
        async with self._taking:
            self._drop(number)
            backlog = self._backlogs[number] = PartitionBacklog(position)
            self._consumer.incremental_assign([TopicPartition(self._topic, number, max(position, start))])
        return backlog

    def _drop(self, number: int) -> None:
        if self._backlogs.pop(number, None) is not None:
            self._consumer.incremental_unassign([TopicPartition(self._topic, number)])

    async def _wait_for(self, backlog: PartitionBacklog, seconds: float) -> None:
        """Wait until a message arrives for the partition, or the time is up."""
        self._hungry += 1
        try:
            if self._looking is None or self._looking.done():
                self._looking = asyncio.create_task(self._look())
            async with asyncio.timeout(seconds), self._arrived:
                await self._arrived.wait_for(lambda: len(backlog) > 0 or backlog.error is not None)
        except TimeoutError:
            return
        finally:
            self._hungry -= 1

    async def _look(self) -> None:
        """Take arrived messages from the client, as long as a reader waits."""
        while self._hungry:
            async with self._taking:
                messages = self._consumer.consume(HELPING, 0)
                if not messages:
                    messages = await asyncio.get_running_loop().run_in_executor(self._thread, self._poll)
                for message in messages:
                    self._place(message)
            if messages:
                self._forget_unread()
                async with self._arrived:
                    self._arrived.notify_all()

    def _poll(self) -> list[Message]:
        first = self._consumer.poll(LOOK_SECONDS)
        return [] if first is None else [first, *self._consumer.consume(HELPING - 1, 0)]

    def _place(self, message: Message) -> None:
        number = message.partition()
        backlog = None if number is None else self._backlogs.get(number)
        if backlog is None or number is None:
            return
        backlog.add(message)
        if backlog.is_full and not backlog.paused:
            backlog.paused = True
            self._consumer.pause([TopicPartition(self._topic, number)])

    def _forget_unread(self) -> None:
        before = monotonic() - FORGET_SECONDS
        for number in [number for number, backlog in self._backlogs.items() if backlog.used_at < before]:
            self._drop(number)

    async def _check(self, backlog: PartitionBacklog, number: int) -> None:
        """Find out why nothing arrived: because there is nothing, or because of an error."""
        if backlog.error is not None:
            error = backlog.error
            self._drop(number)
            if error.code() not in _OUT_OF_RANGE:
                raise self._problem(error)
            _, end = await self._range(str(number))
            if backlog.position > end:
                raise PositionGone(
                    f"Partition {number} of topic {self._topic} ends at {end}, before the position {backlog.position} "
                    "that was reached: it was recreated or lost messages. Seek to where reading should continue"
                )
            return  # the oldest were removed; the next read reports how many, and continues after them
        if self._down:
            await self._range(str(number))
            self._down = False

    def _tell_positions(self) -> None:
        """Commit our positions to the broker, best effort and without waiting.

        Everything before the current reads is in the ledger, except messages that are being read ahead.
        """
        if not self._mirror or monotonic() - self._mirrored_at < MIRROR_SECONDS:
            return
        self._mirrored_at = monotonic()
        reached = [TopicPartition(self._topic, number, backlog.position) for number, backlog in self._backlogs.items()]
        try:
            self._consumer.commit(offsets=reached, asynchronous=True)
        except KafkaException as error:
            log.info("kafka.position_not_told", topic=self._topic, error=error.args[0].str())

    async def _range(self, partition: str) -> tuple[int, int]:
        wanted = TopicPartition(self._topic, int(partition))
        try:
            found = await self._ask(lambda: self._consumer.get_watermark_offsets(wanted, timeout=ANSWER_SECONDS))
        except StreamMissing:
            if partition not in await self.partitions():
                raise
            found = None
        if found is None:
            raise self._problem(None)
        return found

    async def _ask(self, question: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, question)
        except KafkaException as error:
            raise self._problem(error.args[0]) from error

    def _problem(self, error: KafkaError | None) -> SourceUnavailable | StreamMissing:
        if error is not None and error.code() in (KafkaError.UNKNOWN_TOPIC_OR_PART, *_UNSURE):
            return StreamMissing(f"There is no topic {self._topic}, or it lacks this partition")
        if not self._backlogs:
            self._consumer.poll(0)  # makes it report the reason
        said = self._said or ("no answer" if error is None else error.str())
        return SourceUnavailable(f"Kafka does not deliver topic {self._topic}: {said}")

    def _heard(self, error: KafkaError) -> None:
        """Note a client error; it retries by itself, and a reader sees the error when nothing arrives."""
        if error.code() == KafkaError._ALL_BROKERS_DOWN:
            self._down = True
        else:
            self._said = error.str()
