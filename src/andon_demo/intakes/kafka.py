"""Transfers on a Kafka topic. The broker is tansu, which keeps everything in memory; the clients are Kafka's."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import psutil
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from andon_demo.brokers import Broker, kafka_broker
from andon_demo.intakes import PARTITIONS
from andon_demo.stream import Transfer

PATIENCE = 20.0


class KafkaIntake:
    """A topic for each place."""

    imports = "kafka"
    definitions = ""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self.settings = f'[connections.kafka]\nkind = "kafka"\nservers = ["{broker.address}"]\n'

    def trigger(self, place: str) -> str:
        """Return a trigger for all partitions of the topic."""
        return f'kafka("{place}")'

    def stream(self, place: str) -> str:
        """Return the name, that of the topic."""
        return f"kafka:{place}"

    def prepare(self, place: str, url: str) -> None:
        """Create the topic."""
        del url
        client = AdminClient({"bootstrap.servers": self._broker.address, "log_level": 0})
        for made in client.create_topics([NewTopic(place, PARTITIONS, 1)]).values():
            made.result(PATIENCE)

    @asynccontextmanager
    async def sending(self, place: str, url: str) -> AsyncIterator["_Sender"]:
        """Send with a producer of the bank's own."""
        del url
        sender = _Sender(self._broker.address, place)
        yield sender
        await sender.arrived()

    def cpu_seconds(self) -> float:
        """Return the broker's CPU time."""
        assert self._broker.process is not None
        times = psutil.Process(self._broker.process.pid).cpu_times()
        return float(times.user + times.system)


class _Sender:
    def __init__(self, address: str, topic: str) -> None:
        self._producer = Producer({"bootstrap.servers": address, "linger.ms": 2, "log_level": 0})
        self._topic = topic
        self._failed = 0

    async def send(self, transfer: Transfer) -> None:
        """Send a transfer with the account as its key, so that an account's transfers stay in order."""
        self._producer.produce(self._topic, transfer.body, key=transfer.account, on_delivery=self._told)
        self._producer.poll(0)

    async def arrived(self) -> None:
        """Wait until the broker has acknowledged everything."""
        left = await asyncio.to_thread(self._producer.flush, PATIENCE)
        if left or self._failed:
            raise TimeoutError(f"The Kafka broker did not take {left + self._failed} transfers")

    def _told(self, error: object, _: object) -> None:
        self._failed += error is not None


@contextmanager
def opened(folder: Path) -> Iterator[KafkaIntake]:
    """Run the broker on a free port of this machine."""
    with kafka_broker(folder) as broker:
        yield KafkaIntake(broker)
