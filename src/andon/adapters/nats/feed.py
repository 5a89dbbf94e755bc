"""One subscription to a stream: an ephemeral consumer delivers batches, which wait here in order.

The feed tracks its own position, so the consumer needs no acknowledgement: when anything is missing, the consumer
is recreated.
"""

import asyncio
import json
from collections import deque
from contextlib import suppress
from datetime import UTC, datetime
from time import monotonic

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

from andon.streams import Arrival

HELPING = 1024
HELPING_BYTES = 8 * 1024 * 1024
"""The size of a request, in messages and by their recent size in bytes; twice as much may wait."""

PULL_SECONDS = 5.0
"""The lifetime of a pull request; then the server ends it."""

GRACE_SECONDS = 3.0
IDLE_SECONDS = 60.0
"""The idle time after which the server forgets the consumer."""

_STATUS, _PENDING = "Status", "Nats-Pending-Messages"
_OVER = ("404", "408")
"""The request ended with fewer messages than it allowed."""

_HEARTBEAT = "100"


class FilterReader:
    """The messages of one filter, starting at `position`, which follows the newest one taken."""

    def __init__(self, client: Client, js: JetStreamContext, stream: str, subject: str, position: int) -> None:
        self.position = position
        self.stale = False
        self._arrived = asyncio.Event()
        self._client = client
        self._js = js
        self._stream = stream
        self._subject = subject
        self._consumer = ""
        self._inbox = client.new_inbox()
        self._subscription: Subscription | None = None
        self._waiting: deque[tuple[int, int, Msg]] = deque()
        self._delivered = 0
        self._asked = 0
        self._asked_at = 0.0
        self._bytes_each = 1024.0

    def __len__(self) -> int:
        return len(self._waiting)

    async def open(self) -> None:
        """Create the consumer and request the first batch."""
        config = ConsumerConfig(
            deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
            opt_start_seq=max(1, self.position),
            ack_policy=AckPolicy.NONE,
            filter_subject=self._subject,
            inactive_threshold=IDLE_SECONDS,
            mem_storage=True,
            num_replicas=1,
        )
        self._consumer = (await self._js.add_consumer(self._stream, config)).name
        self._subscription = await self._client.subscribe(
            self._inbox, cb=self._take_in, pending_msgs_limit=-1, pending_bytes_limit=-1
        )
        await self.ask()

    async def ask(self) -> None:
        """Request a batch if there is room for one; notice when the server has fallen silent."""
        if self._asked and monotonic() > self._asked_at + PULL_SECONDS + GRACE_SECONDS:
            self.stale = True
        helping = max(1, min(HELPING, int(HELPING_BYTES / self._bytes_each)))
        if self.stale or self._asked + len(self._waiting) > helping:
            return
        self._asked += helping
        self._asked_at = monotonic()
        request = json.dumps({"batch": helping, "expires": int(PULL_SECONDS * 1e9)}).encode()
        await self._client.publish(
            f"$JS.API.CONSUMER.MSG.NEXT.{self._stream}.{self._consumer}", request, reply=self._inbox
        )

    async def wait(self, seconds: float) -> None:
        """Wait until a message arrives, the consumer has to be recreated, or the time is up."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not self._waiting and not self.stale:
                    self._arrived.clear()
                    await self.ask()
                    await self._arrived.wait()

    def take(self, most: int) -> list[Arrival]:
        """Return the oldest waiting messages."""
        waiting = self._waiting
        taken = [waiting.popleft() for _ in range(min(most, len(waiting)))]
        if taken:
            self.position = taken[-1][0] + 1
        return [_arrival(*each) for each in taken]

    def spoil(self) -> None:
        """Mark the feed as stale: the server has forgotten its requests."""
        self.stale = True
        self._arrived.set()

    async def close(self) -> None:
        """Remove the subscription from the client; the server forgets the consumer by itself."""
        if self._subscription is not None and not self._client.is_closed:
            await self._subscription.unsubscribe()

    async def _take_in(self, message: Msg) -> None:
        headers = message.headers
        if headers and _STATUS in headers and not message.reply.startswith("$JS.ACK"):
            self._hear(headers)
            return
        tokens = message.reply.split(".")
        first = 5 if len(tokens) == _SHORT else 7
        position, delivered, nanoseconds = (int(token) for token in tokens[first : first + 3])
        if self.stale or delivered != self._delivered + 1:
            self.spoil()  # a message is missing; those before it are in order
            return
        self._delivered = delivered
        self._asked -= 1
        self._bytes_each += (len(message.data) - self._bytes_each) / 256
        self._waiting.append((position, nanoseconds, message))
        self._arrived.set()

    def _hear(self, headers: dict[str, str]) -> None:
        """Handle a status from the server in place of a message."""
        status = headers[_STATUS]
        if status in _OVER:
            self._asked = max(0, self._asked - int(headers.get(_PENDING, self._asked)))
            self._arrived.set()
        elif status != _HEARTBEAT:
            self.spoil()


_SHORT = 9
"""The number of tokens in an ACK subject; domain and account before the stream make it longer.

It is `$JS.ACK.stream.consumer.tries.sequence.delivered.time.pending`.
"""


def _arrival(position: int, nanoseconds: int, message: Msg) -> Arrival:
    given = message.headers
    return Arrival(
        position=position,
        data=message.data,
        headers={name.lower(): value for name, value in given.items()} if given else _NONE,
        at=datetime.fromtimestamp(nanoseconds / 1e9, UTC),
    )


_NONE: dict[str, str] = {}
