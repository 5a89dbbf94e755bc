"""One JetStream stream as a `Source`: positions are sequence numbers, partitions are subjects or the whole stream."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, TypeVar

from nats.aio.client import Client
from nats.errors import Error
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy, StreamState
from nats.js.errors import NotFoundError

from andon.adapters.nats.feed import FilterReader
from andon.streams import Arrival, PositionGone, SourceUnavailable, StreamMissing

T = TypeVar("T")

EVERYTHING = ">"
"""The partition of a stream that is read as a whole."""

ANSWER_SECONDS = 5.0

_TROUBLE = (Error, OSError, TimeoutError, RuntimeError)
"""The client's errors when the server is away. RuntimeError is uvloop's, for a connection closed a moment before."""


class NatsSource:
    """Reads a stream. `client` holds the options of the connection. Use from one event loop.

    `lost` receives the number of messages that were removed unread.
    """

    def __init__(
        self,
        client: Mapping[str, Any],
        stream: str,
        *,
        lost: Callable[[str, int], None],
        subjects: Sequence[str] = (),
    ) -> None:
        self._options = client
        self._stream = stream
        self._subjects = tuple(subjects) or (EVERYTHING,)
        self._lost = lost
        self._client: Client | None = None
        self._connecting = asyncio.Lock()
        self._feeds: dict[str, FilterReader] = {}
        self._said = ""

    @property
    def waiting(self) -> Mapping[str, int]:
        """The number of messages of each partition that arrived but were not taken yet."""
        return {partition: len(feed) for partition, feed in self._feeds.items()}

    async def partitions(self) -> Sequence[str]:
        """Return the named subjects, or the whole stream."""
        await self._state()
        return self._subjects

    async def start(self, partition: str) -> int:
        """Return the sequence number of the oldest message that the stream keeps."""
        del partition  # messages before the oldest of one subject belong to others, and are skipped
        return _first(await self._state())

    async def end(self, partition: str) -> int:
        """Return the sequence number after the newest message of the partition."""
        state = await self._state()
        if partition == EVERYTHING:
            return state.last_seq + 1
        try:
            newest = await self._ask(lambda js: js.get_last_msg(self._stream, partition))
        except StreamMissing:
            return _first(state)
        return (newest.seq or 0) + 1

    async def position_at(self, partition: str, moment: datetime) -> int:
        """Return the sequence number of the first message that was stored then or later."""
        config = ConsumerConfig(
            deliver_policy=DeliverPolicy.BY_START_TIME,
            opt_start_time=moment,
            ack_policy=AckPolicy.NONE,
            filter_subject=partition,
            inactive_threshold=ANSWER_SECONDS,
            mem_storage=True,
        )
        made = await self._ask(lambda js: js.add_consumer(self._stream, config))
        if not made.num_pending:
            return await self.end(partition)
        reading = await self._ask(lambda js: js.pull_subscribe_bind(made.name, self._stream))
        try:
            [first] = await self._ask(lambda _: reading.fetch(1, timeout=ANSWER_SECONDS))
        finally:
            await reading.unsubscribe()
        return int(first.metadata.sequence.stream)

    async def read(self, partition: str, position: int, *, most: int, wait: float) -> Sequence[Arrival]:
        """Return the messages, starting at `position`. Raises PositionGone if the stream ends before it."""
        try:
            feed = self._feeds.get(partition)
            if feed is None or feed.position != position or (feed.stale and not len(feed)):
                feed = await self._open(partition, position)
            if not len(feed):
                await feed.wait(wait)
            arrivals = feed.take(most)
            await feed.ask()
        except _TROUBLE as error:
            raise self._problem(error) from error
        if not arrivals and not self._is_connected:
            raise self._problem(TimeoutError())
        return arrivals

    async def close(self) -> None:
        """Close the connection to the server."""
        client, self._client = self._client, None
        self._feeds.clear()
        if client is not None:
            await client.close()

    @property
    def _is_connected(self) -> bool:
        return self._client is not None and self._client.is_connected

    async def _open(self, partition: str, position: int) -> FilterReader:
        before = self._feeds.pop(partition, None)
        if before is not None:
            await before.close()
        state = await self._state()
        self._check(state, partition, position)
        client = await self._connected()
        feed = FilterReader(client, client.jetstream(), self._stream, partition, position)
        await self._ask(lambda _: feed.open())
        self._feeds[partition] = feed
        return feed

    def _check(self, state: StreamState, partition: str, position: int) -> None:
        if position > state.last_seq + 1:
            raise PositionGone(
                f"Stream {self._stream} ends at {state.last_seq}, before the position {position} that was reached: "
                "it was recreated or lost messages. Seek to where reading should continue"
            )
        missing = _first(state) - max(1, position)
        if missing > 0:
            self._lost(partition, missing)

    async def _state(self) -> StreamState:
        return (await self._ask(lambda js: js.stream_info(self._stream))).state

    async def _ask(self, question: Callable[[JetStreamContext], Awaitable[T]]) -> T:
        client = await self._connected()
        try:
            return await question(client.jetstream(timeout=ANSWER_SECONDS))
        except NotFoundError as error:
            raise StreamMissing(
                f"There is no stream {self._stream} in NATS, or it lacks what was requested: {_words(error)}"
            ) from error
        except _TROUBLE as error:
            raise self._problem(error) from error

    async def _connected(self) -> Client:
        async with self._connecting:
            if self._client is None or self._client.is_closed:
                self._client = await self._connect()
            return self._client

    async def _connect(self) -> Client:
        client = Client()
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await client.connect(
                    **self._options,
                    name="andon",
                    connect_timeout=2,
                    max_reconnect_attempts=-1,
                    reconnect_time_wait=1,
                    ping_interval=10,
                    error_cb=self._heard,
                    reconnected_cb=self._reconnected,
                )
        except _TROUBLE as error:
            with suppress(*_TROUBLE, AttributeError):
                await client.close()
            raise self._problem(error) from error
        self._said = ""
        return client

    async def _reconnected(self) -> None:
        """Request again: the server has forgotten earlier requests."""
        self._said = ""
        for feed in self._feeds.values():
            feed.spoil()

    async def _heard(self, error: Exception) -> None:
        if not (self._said and isinstance(error, OSError)):
            self._said = _words(error)  # a refusal says more than the end of the connection that follows it

    def _problem(self, error: BaseException) -> SourceUnavailable:
        said = self._said if isinstance(error, TimeoutError) and self._said else _words(error)
        return SourceUnavailable(f"NATS does not deliver stream {self._stream}: {said}")


def _first(state: StreamState) -> int:
    return max(1, state.first_seq)


def _words(error: BaseException) -> str:
    return str(error) or type(error).__name__
