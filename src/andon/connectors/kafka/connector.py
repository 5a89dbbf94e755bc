"""Publishing on a topic: one message per delivery, by an idempotent producer, whose own retries add no duplicates.

A topic is looked up before it is written to, so that an unreachable cluster certainly received nothing. If time runs
out after the producer has a message, the outcome is unknown.
"""

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Thread
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from andon.actions.cloudevents import MEDIA_TYPE, attributes_of, data_of, key_of
from andon.actions.ports import Answer, AnswerKind, Delivery, Repeat
from andon.connectors.kafka.settings import KafkaOptions, KafkaSettings

_REFUSED = (
    KafkaError.UNKNOWN_TOPIC_OR_PART,
    KafkaError.MSG_SIZE_TOO_LARGE,
    KafkaError.INVALID_MSG,
    KafkaError.INVALID_RECORD,
    KafkaError.TOPIC_EXCEPTION,
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError._UNKNOWN_TOPIC,
    KafkaError._UNKNOWN_PARTITION,
)
_NOT_TAKEN = (KafkaError.NOT_ENOUGH_REPLICAS, KafkaError._QUEUE_FULL, KafkaError.LEADER_NOT_AVAILABLE)

_SERVE_SECONDS = 0.1


class KafkaConnector:
    """Publishes to Kafka. `clients` holds librdkafka's settings by the name of the connection."""

    repeat = Repeat.IDEMPOTENT

    def __init__(self, clients: Mapping[str, Any]) -> None:
        self._clients = clients
        self._links: dict[tuple[str, float], _Link] = {}

    async def deliver(self, delivery: Delivery) -> Answer:
        """Publish once."""
        options = KafkaOptions.model_validate(dict(delivery.options))
        name = delivery.destination.settings_of("kafka", KafkaSettings).connection
        seconds = delivery.destination.timeout.total_seconds()
        link = self._links.get((name, seconds))
        if link is None:
            if name not in self._clients:
                return Answer(AnswerKind.REFUSED, f"there is no [connections.{name}] in andon.toml")
            link = self._links[name, seconds] = _Link(self._clients[name], seconds)
        return await link.known(options.topic) or await link.publish(
            options.topic,
            data_of(delivery),
            key_of(delivery, options.key),
            {
                "content-type": MEDIA_TYPE,
                **{f"ce_{name}": value for name, value in attributes_of(delivery).items()},
            },
        )

    async def close(self) -> None:
        """Close the connections to the brokers."""
        links, self._links = self._links, {}
        for link in links.values():
            await asyncio.to_thread(link.close)


class _Link:
    """One producer, and the thread that receives its reports."""

    def __init__(self, client: Mapping[str, Any], seconds: float) -> None:
        self._seconds = seconds
        self._said = ""
        self._topics: set[str] = set()
        self._closing = Event()
        own = {name: value for name, value in client.items() if name != "group.id"}
        self._producer = Producer(
            {
                **own,
                "enable.idempotence": True,
                "linger.ms": 1,
                "allow.auto.create.topics": False,
                "message.timeout.ms": max(1, int(seconds * 1000)),
                "log_level": 0,
                "error_cb": self._heard,
            }
        )
        self._asking = ThreadPoolExecutor(1, thread_name_prefix="kafka-producer")
        self._serving = Thread(target=self._serve, name="kafka-events", daemon=True)
        self._serving.start()

    async def known(self, topic: str) -> Answer | None:
        """Return None if the topic exists, else the outcome of a delivery of which nothing was sent."""
        if topic in self._topics:
            return None
        try:
            found = await asyncio.get_running_loop().run_in_executor(
                self._asking, lambda: self._producer.list_topics(topic, timeout=self._seconds)
            )
        except KafkaException as error:
            return Answer(AnswerKind.FAILED, f"could not be sent ({self._said or error.args[0].str()})")
        there = found.topics.get(topic)
        if there is None or there.error is not None or not there.partitions:
            if there is not None and there.error is not None and there.error.code() not in _REFUSED:
                return Answer(AnswerKind.FAILED, f"could not be sent ({there.error.str()})")
            return Answer(AnswerKind.REFUSED, f"there is no topic {topic}")
        self._topics.add(topic)
        return None

    async def publish(self, topic: str, value: bytes, key: str, headers: dict[str, str | bytes | None]) -> Answer:
        """Send a message and wait for its report."""
        loop = asyncio.get_running_loop()
        told: asyncio.Future[Answer] = loop.create_future()

        def hear(error: KafkaError | None, message: Message) -> None:
            answer = self._answer(error, message)
            loop.call_soon_threadsafe(lambda: None if told.done() else told.set_result(answer))

        try:
            self._producer.produce(topic, value, key=key.encode(errors="replace"), headers=headers, on_delivery=hear)
        except BufferError:
            return Answer(AnswerKind.FAILED, "could not be sent (the producer's queue is full)")
        except KafkaException as error:
            return self._answer(error.args[0], None)
        try:
            async with asyncio.timeout(self._seconds + 1):
                return await told
        except TimeoutError:
            return self._unknown()

    def close(self) -> None:
        """Close the producer; messages on their way get a moment."""
        self._producer.flush(1)
        self._closing.set()
        self._serving.join()
        self._asking.shutdown()

    def _answer(self, error: KafkaError | None, message: Message | None) -> Answer:
        if error is None:
            where = "" if message is None else f"partition {message.partition()}, offset {message.offset()}"
            return Answer(AnswerKind.DELIVERED, where)
        self._topics.clear()  # look the topic up before the next message
        if error.code() in _REFUSED:
            return Answer(AnswerKind.REFUSED, f"refused ({error.str()})")
        if error.code() in _NOT_TAKEN:
            return Answer(AnswerKind.FAILED, f"not taken ({error.str()})")
        return self._unknown(error.str())

    def _unknown(self, said: str = "") -> Answer:
        return Answer(
            AnswerKind.UNKNOWN, f"sent, but no answer came (timeout after {self._seconds:g} s; {self._said or said})"
        )

    def _heard(self, error: KafkaError) -> None:
        self._said = error.str()
        if error.code() == KafkaError._ALL_BROKERS_DOWN:
            self._topics.clear()

    def _serve(self) -> None:
        while not self._closing.is_set():
            self._producer.poll(_SERVE_SECONDS)
