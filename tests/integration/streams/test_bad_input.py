"""Bad input through every real source: dead with its reason or left out; the good around it is decided.

A source that is away is waited for.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

import nats
import pytest
from confluent_kafka import Producer
from sqlalchemy import text
from tests.integration.streams.streaming import (
    MEMORY,
    cloud_event,
    decided,
    reading,
    rows,
    run,
    scalar,
    streaming,
    until,
)

from andon import Trigger
from andon.adapters.kafka import KafkaSource
from andon.adapters.nats import NatsSource
from andon.authoring import kafka as kafka_topic
from andon.authoring import nats as nats_stream
from andon.authoring import table
from andon.kernel.db import Database
from andon.streams import Source
from andon.streams.sources import table_source
from andon.testing import MemorySource
from andon_demo.brokers import Broker
from automations import payment
from brokers import Lost, a_kafka, a_nats
from lines import Installation

TYPES = ("payment.made",)
FIVE_MEGABYTES = 5_000_000

Event = tuple[bytes, Mapping[str, str]]


class Place(Protocol):
    """A place of one kind for one test; it is not there before it is made."""

    trigger: Trigger

    async def make(self) -> None: ...

    async def send(self, *events: Event) -> None: ...

    def source(self, database: Database) -> Source: ...


class KafkaPlace:
    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._topic = f"t-{uuid4().hex[:8]}"
        self.trigger = kafka_topic(self._topic, types=TYPES)

    async def make(self) -> None:
        from confluent_kafka.admin import AdminClient, NewTopic

        client = AdminClient({"bootstrap.servers": self._broker.address, "log_level": 0})
        await asyncio.to_thread(client.create_topics([NewTopic(self._topic, 2, 1)])[self._topic].result, 10)

    async def send(self, *events: Event) -> None:
        producer = Producer(
            {"bootstrap.servers": self._broker.address, "message.max.bytes": 8_000_000, "log_level": 0, "linger.ms": 5}
        )
        for body, headers in events:
            producer.produce(self._topic, body, headers=dict(headers))
            producer.poll(0)
        assert await asyncio.to_thread(producer.flush, 30) == 0

    def source(self, database: Database) -> Source:
        return KafkaSource({"bootstrap.servers": self._broker.address}, self._topic, lost=Lost())


class NatsPlace:
    def __init__(self, server: Broker) -> None:
        self._server = server
        self._stream = f"s-{uuid4().hex[:8]}"
        self.trigger = nats_stream(self._stream, types=TYPES)

    async def make(self) -> None:
        async with self._client() as client:
            await client.jetstream().add_stream(name=self._stream, subjects=[f"{self._stream}.>"])

    async def send(self, *events: Event) -> None:
        async with self._client() as client:
            js = client.jetstream()
            for number, (body, headers) in enumerate(events, start=1):
                named = {name.replace("ce_", "ce-"): value for name, value in headers.items()}
                if number == len(events) or number % 500 == 0:
                    await js.publish(f"{self._stream}.a", body, headers=named or None)
                else:
                    await client.publish(f"{self._stream}.a", body, headers=named or None)

    def source(self, database: Database) -> Source:
        return NatsSource({"servers": [f"nats://{self._server.address}"]}, self._stream, subjects=(), lost=Lost())

    @asynccontextmanager
    async def _client(self) -> AsyncIterator[nats.NATS]:
        client = await nats.connect(f"nats://{self._server.address}")
        try:
            yield client
        finally:
            await client.close()


class TablePlace:
    """Its events are rows; what a column cannot hold cannot come by a table."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.trigger = table("sales.payments")

    async def make(self) -> None:
        with self._database.begin() as tx:
            tx.execute(text("CREATE SCHEMA sales"))
            columns = "payment_id text, account text, amount float8, country text"
            tx.execute(text(f"CREATE TABLE sales.payments (id bigint GENERATED ALWAYS AS IDENTITY, {columns})"))

    async def send(self, *events: Event) -> None:
        names = "payment_id, account, amount, country"
        with self._database.begin() as tx:
            tx.execute(
                text(
                    f"INSERT INTO sales.payments ({names}) SELECT {names} "
                    "FROM json_populate_recordset(NULL::sales.payments, CAST(:rows AS json))"
                ),
                {"rows": json.dumps([json.loads(body) for body, _ in events])},
            )

    def source(self, database: Database) -> Source:
        return table_source(database.connect, "sales.payments", number="id", at="", key="")


@pytest.fixture(scope="module")
def kafka_broker() -> Iterator[Broker]:
    with a_kafka() as broker:
        yield broker


@pytest.fixture(scope="module")
def nats_server() -> Iterator[Broker]:
    with a_nats("max_payload: 8MB") as server:
        yield server


@pytest.fixture(params=["table", "kafka", "nats"])
def place(request: pytest.FixtureRequest, database: Database) -> Place:
    if request.param == "table":
        return TablePlace(database)
    if request.param == "kafka":
        return KafkaPlace(request.getfixturevalue("kafka_broker"))
    return NatsPlace(request.getfixturevalue("nats_server"))


@pytest.fixture
def installation(database: Database, tmp_path: Path, place: Place) -> Installation:
    return streaming(database, tmp_path, place.trigger)


def body(number: int, **fields: Any) -> bytes:
    return json.dumps(payment(number, **fields)).encode()


WITHOUT_KEY = json.dumps({"payment_id": "p", "amount": 5.0}).encode()
ROWS: Sequence[tuple[Event, str]] = (
    ((body(901, amount=-5.0), {}), "does not match the contract"),
    ((WITHOUT_KEY, {}), "does not match the contract"),
    ((body(902, payment_id="x" * FIVE_MEGABYTES), {}), "an event may have 1000000"),
)
MESSAGES: Sequence[tuple[Event, str]] = (
    *ROWS,
    ((b"not json", {}), "Invalid JSON"),
    ((b"\xff\xfe\x00", {}), "Invalid JSON"),
    ((body(903), {"ce_id": "e", "ce_specversion": "1.0"}), "It lacks ce"),
)


def test_bad_events_are_dead_with_their_reason_and_the_good_ones_between_are_decided(
    installation: Installation, place: Place
) -> None:
    bad = ROWS if isinstance(place, TablePlace) else MESSAGES
    unknown = cloud_event(99)[0], cloud_event(99)[1] | {"ce_type": "payment.seen"}
    left_out = [] if isinstance(place, TablePlace) else [unknown]

    async def test() -> None:
        await place.make()
        for number, (event, _) in enumerate(bad):
            await place.send((body(number), {}), event)
        await place.send(*left_out, (body(900), {}))
        async with reading(installation, place.source(installation.database)):
            await until(lambda: decided(installation) == len(bad) + 1)
            await until(lambda: scalar(installation, "SELECT count(*) FROM dead_events") == len(bad))
        reasons = [row.reason for row in rows(installation, "SELECT reason FROM dead_events")]
        for _, expected in bad:
            assert any(expected in reason for reason in reasons), (expected, reasons)
        assert rows(installation, "SELECT sum(left_out)::int, sum(dead)::int FROM stream_partitions") == [
            (len(left_out), len(bad))
        ]
        assert {"input.account", "input.amount"} <= {
            fault["where"] for row in rows(installation, "SELECT faults FROM dead_events") for fault in row.faults
        }

    run(test)


def test_a_place_that_does_not_exist_is_waited_for_and_named(installation: Installation, place: Place) -> None:
    async def test() -> None:
        async with reading(installation, place.source(installation.database)):
            await until(lambda: scalar(installation, "SELECT max(problem) FROM streams") is not None)
            assert place.trigger.place in scalar(installation, "SELECT problem FROM streams")
            await place.make()
            await place.send((body(1), {}))
            await until(lambda: decided(installation) == 1)
            await until(lambda: scalar(installation, "SELECT problem FROM streams") is None)

    run(test)


@pytest.mark.timeout(300)
def test_ten_thousand_distinct_keys_in_a_moment_are_all_decided(installation: Installation, place: Place) -> None:
    async def test() -> None:
        await place.make()
        await place.send(*((body(number, account=f"a{number}"), {}) for number in range(10_000)))
        async with reading(installation, place.source(installation.database)):
            await until(lambda: decided(installation) == 10_000, seconds=240)
        found = rows(installation, "SELECT count(*), sum(decided)::int, sum(dead)::int FROM stream_partitions")
        assert found[0][1:] == (10_000, 0)

    run(test)


BROKERS: Mapping[str, tuple[Callable[[], Any], Callable[[Broker], Place]]] = {
    "kafka": (a_kafka, KafkaPlace),
    "nats": (a_nats, NatsPlace),
}


@pytest.mark.parametrize("kind", BROKERS)
def test_a_broker_that_is_down_at_the_start_is_waited_for_and_other_streams_go_on(
    database: Database, tmp_path: Path, kind: str
) -> None:
    a_broker, a_place = BROKERS[kind]
    with a_broker() as broker:
        place = a_place(broker)
        broker.kill()
        installation = streaming(database, tmp_path, place.trigger, MEMORY)
        beside = MemorySource()

        def open_source(_: object, trigger: Trigger) -> Source:
            return beside if trigger == MEMORY else place.source(database)

        async def test() -> None:
            async with reading(installation, beside, open_source=open_source):
                problem = "SELECT max(problem) FROM streams WHERE stream <> 'memory:payments'"
                await until(lambda: scalar(installation, problem) is not None)
                assert place.trigger.place in scalar(installation, problem)
                beside.send(body(1))
                await until(lambda: decided(installation) == 1)
                await asyncio.to_thread(broker.start)
                await place.make()
                await place.send((body(2), {}))
                await until(lambda: decided(installation) == 2)
                await until(lambda: scalar(installation, problem) is None)

        run(test)
