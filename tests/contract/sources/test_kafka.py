"""A Kafka topic keeps what every source keeps."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from tests.contract.sources.contract import SourceContract, Stage, read, read_all

from andon.adapters.kafka import KafkaSource
from brokers import NOBODY, KafkaSender, Lost, a_kafka, a_topic


class KafkaStage:
    def __init__(self, address: str) -> None:
        self._address = address
        self._topic = a_topic(address)
        self._sender = KafkaSender(address, self._topic)
        self.source = a_source(address, self._topic)

    async def send(self, data: bytes, *, key: str | None = None, headers: Mapping[str, str] | None = None) -> None:
        self._sender.send(data, key=key, headers=headers)

    async def again(self) -> KafkaSource:
        return a_source(self._address, self._topic)

    async def elsewhere(self) -> KafkaSource:
        return a_source(self._address, "no-such-topic")

    async def unreachable(self) -> KafkaSource:
        return a_source(NOBODY, self._topic)


def a_source(address: str, topic: str) -> KafkaSource:
    return KafkaSource({"bootstrap.servers": address}, topic, lost=Lost())


class TestKafkaSource(SourceContract):
    address: str

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def broker(cls) -> Iterator[None]:
        with a_kafka() as broker:
            cls.address = broker.address
            yield

    def test_a_moment_is_found(self) -> None:
        """Half of it here: this broker answers a moment after all messages with the oldest.

        See the small broker's tests.
        """

        async def test(stage: Stage) -> None:
            await stage.send(self.body(0), key="one")
            await stage.send(self.body(1), key="one")
            ((partition, log),) = [item for item in (await read_all(stage.source, 2)).items() if item[1]]
            assert log[0].at is not None
            first = await stage.source.position_at(partition, log[0].at - timedelta(days=1))
            assert [a.data for a in await read(stage.source, partition, first, 2)] == [self.body(0), self.body(1)]

        self.run(test)

    @asynccontextmanager
    async def stage(self) -> AsyncIterator[KafkaStage]:
        stage = KafkaStage(self.address)
        try:
            yield stage
        finally:
            await stage.source.close()
