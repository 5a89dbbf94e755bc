"""Senders of events that do not give up: each key's events one after the other, sent again until they have arrived.

An event that was sent twice because its arrival was not told has the same id both times. `sent` is what has arrived.
"""

import asyncio
import json
import random
import threading
from abc import ABC, abstractmethod
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import nats
import psycopg
from confluent_kafka import KafkaException, Producer
from nats.js.errors import APIError

PAUSE = 0.05


class Sender(ABC):
    """Sends to one place until it is told to stop; `keys` accounts of its own, each with a number that grows."""

    name: str

    def __init__(self, seed: int, *, keys: int = 8, per_second: float = 20.0) -> None:
        self.sent: Counter[str] = Counter()
        """How many events of each account have arrived."""
        self.attempts = 0
        self._draw = random.Random(f"{seed}:{self.name}")
        self._keys = [f"{self.name}-{n}" for n in range(keys)]
        self._pause = 1.0 / per_second
        self._begun = datetime.now(UTC)
        self._stop, self._given_up = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._send_on, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Stop after the event under way has arrived."""
        self._stop.set()
        self._thread.join(60)
        assert not self._thread.is_alive(), f"an event to {self.name} did not arrive within 60 s"

    def give_up(self) -> None:
        """No more are sent, whether or not the event that is under way arrives."""
        self._given_up.set()
        self._stop.set()

    @abstractmethod
    def send(self, account: str, event: dict[str, Any]) -> bool:
        """Send once; whether it is known to have arrived."""

    @abstractmethod
    def close(self) -> None:
        """Let go of what was opened."""

    def _send_on(self) -> None:
        while not self._stop.wait(self._pause):
            account = self._draw.choice(self._keys)
            event = self._event(account, self.sent[account] + 1)
            if self._arrives(account, event):
                self.sent[account] += 1
        self.close()

    def _arrives(self, account: str, event: dict[str, Any]) -> bool:
        """Send until it has arrived; False if we gave up before."""
        self.attempts += 1
        while not self.send(account, event):
            if self._given_up.wait(PAUSE):
                return False
            self.attempts += 1
        return True

    def _event(self, account: str, number: int) -> dict[str, Any]:
        identifier = f"{account}/{number}"
        amount = round(self._draw.uniform(1, 600), 2)
        return {
            "specversion": "1.0",
            "id": identifier,
            "source": f"/chaos/{self.name}",
            "type": "payment",
            "time": (self._begun + timedelta(milliseconds=number)).isoformat(),
            "data": {"payment_id": identifier, "account": account, "amount": amount, "country": "DE"},
        }


class ToTable(Sender):
    """Adds rows to a table in Andon's own database."""

    name = "table"

    def __init__(self, seed: int, url: str) -> None:
        super().__init__(seed)
        self._url = url
        self._connection: psycopg.Connection | None = None

    def send(self, account: str, event: dict[str, Any]) -> bool:
        """One row in a transaction of its own; the table knows an event by its id."""
        del account
        try:
            if self._connection is None:
                self._connection = psycopg.connect(self._url, autocommit=True, connect_timeout=3)
            self._connection.execute(
                "INSERT INTO incoming (event, at, account, amount, country, payment_id) VALUES (%s, %s, %s, %s, "
                "%s, %s) ON CONFLICT (event) DO NOTHING",
                (
                    event["id"],
                    event["time"],
                    *(event["data"][n] for n in ("account", "amount", "country", "payment_id")),
                ),
            )
        except psycopg.Error:
            self.close()
            return False
        return True

    def close(self) -> None:
        """Let go of the connection."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None


class ToKafka(Sender):
    """Produces to a topic, keyed by account."""

    name = "kafka"

    def __init__(self, seed: int, address: str, topic: str) -> None:
        super().__init__(seed)
        settings = {"bootstrap.servers": address, "log_level": 0, "linger.ms": 0, "message.timeout.ms": 5000}
        self._producer = Producer({**settings, "socket.timeout.ms": 3000, "reconnect.backoff.max.ms": 500})
        self._topic = topic

    def send(self, account: str, event: dict[str, Any]) -> bool:
        """One message, waited for."""
        told: list[object] = []
        headers = {"content-type": "application/cloudevents+json"}
        try:
            self._producer.produce(
                self._topic,
                json.dumps(event),
                key=account,
                headers=headers,
                on_delivery=lambda error, _: told.append(error),
            )
            self._producer.flush(10)
        except (KafkaException, BufferError):
            return False
        return told == [None]

    def close(self) -> None:
        """Flush what is to be sent."""
        self._producer.flush(1)


class ToNats(Sender):
    """Publishes to a stream, a subject an account."""

    name = "nats"

    def __init__(self, seed: int, address: str, stream: str) -> None:
        super().__init__(seed)
        self._address, self._stream = address, stream
        self._loop = asyncio.new_event_loop()
        self._client: nats.NATS | None = None

    def send(self, account: str, event: dict[str, Any]) -> bool:
        """One message, acknowledged by the stream."""
        return self._loop.run_until_complete(self._publish(account, json.dumps(event).encode()))

    def close(self) -> None:
        """Let go of the connection."""
        self._loop.run_until_complete(self._let_go())
        self._loop.close()

    async def _publish(self, account: str, body: bytes) -> bool:
        try:
            if self._client is None:
                self._client = nats.NATS()
                await self._client.connect(
                    f"nats://{self._address}", allow_reconnect=False, connect_timeout=2, error_cb=_ignored
                )
            headers = {"content-type": "application/cloudevents+json"}
            await self._client.jetstream().publish(f"{self._stream}.{account}", body, headers=headers, timeout=2)
        except (nats.errors.Error, APIError, OSError, TimeoutError):
            await self._let_go()
            return False
        return True

    async def _let_go(self) -> None:
        client, self._client = self._client, None
        if client is None:
            return
        unconnected = (nats.errors.Error, OSError, AttributeError)  # it may not have got as far as a connection
        with suppress(*unconnected):
            await client.close()
        with suppress(*unconnected):
            client._transport.close()  # which stays open where something was left to send and could not be sent
        await asyncio.sleep(0)


async def _ignored(error: Exception) -> None:
    """Ignore the error: it is noticed where it is sent."""
