"""Publishing on a Kafka topic keeps what every connector keeps, against a real broker."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from uuid import uuid4

import pytest
from confluent_kafka import Consumer, Message, TopicPartition
from tests.contract.connectors.contract import SECRET_TEXT, ConnectorContract, a_delivery
from tests.contract.connectors.publishing import Published

from andon.actions import AnswerKind, Destination
from andon.connectors.kafka import KafkaConnector, KafkaSettings
from brokers import NOBODY, Cut, KafkaSender, a_kafka_behind, a_topic


class KafkaStage:
    def __init__(self, address: str, topic: str, published: Published) -> None:
        self._address = address
        self._topic = topic
        self._published = published
        self.refuse, self.fail = published.refuse, published.fail
        self.keep_silent, self.vanish = published.keep_silent, published.vanish

    def destination(self, *, timeout: timedelta = timedelta(seconds=5)) -> Destination:
        return Destination("log", timeout=timeout, settings={"kafka": KafkaSettings(connection="main")})

    def nowhere(self) -> Destination:
        settings = {"kafka": KafkaSettings(connection="nowhere")}
        return Destination("log", timeout=timedelta(seconds=1), settings=settings)

    def taken(self) -> dict[str, int]:
        found = Counter(headers["ce_id"] for headers, _ in messages(self._address, self._topic))
        return {key: n for key, n in found.items() if key not in self._published.keys_of_preparation}


def messages(address: str, topic: str) -> list[tuple[dict[str, str], str]]:
    """Headers and key of all messages of a topic, read up to a last one that is sent here.

    The broker may tell too low an end of a partition into which several requests wrote at once, until the next one.
    """
    sender = KafkaSender(address, topic)
    client = Consumer({"bootstrap.servers": address, "group.id": "test", "auto.offset.reset": "error", "log_level": 0})
    found: list[tuple[dict[str, str], str]] = []
    try:
        for partition in range(3):
            last = uuid4().bytes
            sender.send(last, partition=partition)
            client.assign([TopicPartition(topic, partition, 0)])
            while (message := _next(client)).value() != last:
                headers = message.headers()
                if isinstance(headers, list):  # else it is the last one of an earlier reading
                    key = (message.key() or b"").decode()
                    found.append(({name: (value or b"").decode() for name, value in headers}, key))
    finally:
        client.close()
    return found


def _next(client: Consumer) -> Message:
    message = client.poll(10)
    assert message is not None
    assert message.error() is None
    return message


class TestKafkaConnector(ConnectorContract):
    silence = timedelta(seconds=3)

    @pytest.fixture
    def cut(self) -> Iterator[Cut]:
        cut = Cut()
        yield cut
        cut.close()

    @pytest.fixture
    def connector(self, cut: Cut) -> Iterator[Published]:
        with a_kafka_behind(cut) as broker:
            clients = {
                "main": {"bootstrap.servers": f"127.0.0.1:{cut.port}"},
                "nowhere": {"bootstrap.servers": NOBODY, "sasl.password": SECRET_TEXT},
            }
            self.topic, self.address = a_topic(broker.address), broker.address
            there, missing = {"topic": self.topic, "key": "name"}, {"topic": "no-such-topic"}
            yield Published(KafkaConnector(clients), broker, cut, there=there, missing=missing)

    @pytest.fixture
    def stage(self, connector: Published) -> KafkaStage:
        return KafkaStage(self.address, self.topic, connector)

    def test_a_message_is_a_cloudevent_under_the_key_of_its_field(
        self, connector: Published, stage: KafkaStage
    ) -> None:
        delivery = a_delivery(stage.destination())
        [answer] = self.deliver(connector, delivery)
        assert answer.detail.startswith("partition ")
        [(headers, key)] = messages(self.address, self.topic)
        assert key == "Zoë ??"  # half a character is nothing that a key can hold
        assert headers["ce_specversion"] == "1.0"
        assert headers["ce_type"] == "andon.decision.release"
        assert headers["ce_source"] == "/andon/automations/screening"
        assert headers["content-type"] == "application/json"

    def test_a_connection_that_is_not_configured_is_named(self, connector: Published) -> None:
        settings = {"kafka": KafkaSettings(connection="other")}
        [answer] = self.deliver(connector, a_delivery(Destination("log", settings=settings)))
        assert (answer.kind, answer.detail) == (AnswerKind.REFUSED, "there is no [connections.other] in andon.toml")

    def test_what_is_too_large_is_refused(self, connector: Published, stage: KafkaStage) -> None:
        [answer] = self.deliver(connector, a_delivery(stage.destination(), data={"id": "x" * 2_000_000}))
        assert answer.kind is AnswerKind.REFUSED
        asyncio.run(connector.close())
