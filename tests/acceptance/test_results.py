"""Decisions of events are published as CloudEvents: NATS to NATS, Kafka to Kafka, a table to a signed webhook."""

import asyncio
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import nats
import psycopg
import pytest
from confluent_kafka import Consumer, TopicPartition

from andon.kernel import config, postgres
from andon.streams.events import event_of
from andon_demo.brokers import Broker
from andon_demo.line import Line
from automations import payment
from brokers import KafkaSender, a_kafka, a_nats, a_topic, send_to_nats
from receiver import Receiver
from running import prepared

AUTOMATION = """
from andon import kafka, kafka_topic, nats, nats_subject, on_event, table, webhook
from automations import an_automation


@on_event(nats("PAYMENTS", subjects=("payments.made",)))
def made(event):
    return event["payment"] if event["kind"] == "payment" else None


@on_event(table("bank_payments", key="account"))
def rows(row):
    return {name: row[name] for name in ("payment_id", "account", "amount", "country")}


of_nats = an_automation("from-nats")
of_nats.triggers, of_nats.results = (made,), nats_subject("warehouse", "results.payments")

of_kafka = an_automation("from-kafka")
of_kafka.triggers, of_kafka.results = (kafka("payments"),), kafka_topic("log", "results", key="account")

rest = an_automation("from-the-table")
rest.triggers, rest.results = (rows,), webhook("bank", cloudevents=True)
"""

SETTINGS = """
[connections.nats]
kind = "nats"
servers = ["nats://{nats}"]

[connections.kafka]
kind = "kafka"
servers = ["{kafka}"]

[destinations.warehouse]
timeout_seconds = 5

[destinations.log]
timeout_seconds = 5
"""

PAYMENTS = {"p-1": 50.0, "p-2": 290.0, "p-3": 120.0}
"""Released, paused, and for a person: all of them are published."""


@dataclass(frozen=True)
class World:
    line: Line
    nats: Broker
    kafka: Broker
    receiver: Receiver


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with a_nats() as server, a_kafka() as kafka, Receiver() as receiver, prepared(receiver.url) as line:
        asyncio.run(_streams(server.address))
        for topic in ("payments", "results"):
            a_topic(kafka.address, name=topic)
        (line.folder / "automation.py").write_text(AUTOMATION, encoding="utf-8")
        settings = line.folder / "andon.toml"
        written = settings.read_text(encoding="utf-8") + SETTINGS.format(nats=server.address, kafka=kafka.address)
        settings.write_text(written, encoding="utf-8")
        line.up()
        yield World(line, server, kafka, receiver)


async def _streams(address: str) -> None:
    client = await nats.connect(f"nats://{address}")
    await client.jetstream().add_stream(name="PAYMENTS", subjects=["payments.>"])
    await client.jetstream().add_stream(name="RESULTS", subjects=["results.>"])
    await client.close()


def test_decisions_of_a_nats_stream_are_published_as_cloudevents_on_a_nats_subject(world: World) -> None:
    sent = [{"kind": "payment", "payment": payment(payment_id=id_, amount=amount)} for id_, amount in PAYMENTS.items()]
    bodies = [json.dumps(event).encode() for event in (*sent, {"kind": "statement"})]

    async def told() -> list[nats.aio.msg.Msg]:
        client = await nats.connect(f"nats://{world.nats.address}")
        reading = await client.jetstream().subscribe("results.payments", ordered_consumer=True)
        await send_to_nats(world.nats.address, *(("payments.made", body) for body in bodies))
        found = [await reading.next_msg(timeout=30) for _ in PAYMENTS]
        with pytest.raises(nats.errors.TimeoutError):
            await reading.next_msg(timeout=1)
        await client.close()
        return found

    messages = asyncio.run(told())
    decisions = {message.headers["ce-subject"]: json.loads(message.data) for message in messages if message.headers}
    assert {d["input"]["payment_id"]: d["input"]["amount"] for d in decisions.values()} == PAYMENTS
    _agree_with_the_ledger(world.line, "from-nats", decisions)
    for message in messages:
        headers = message.headers or {}
        assert headers["ce-specversion"] == "1.0"
        assert headers["ce-source"] == "/andon/automations/from-nats"
        assert headers["ce-type"] == f"andon.decision.{json.loads(message.data)['outcome']}"
        assert datetime.fromisoformat(headers["ce-time"]) <= datetime.now(UTC)
    assert len({(message.headers or {})["ce-id"] for message in messages}) == len(PAYMENTS)


def test_decisions_of_a_kafka_topic_are_published_as_cloudevents_on_a_kafka_topic(world: World) -> None:
    sender = KafkaSender(world.kafka.address, "payments")
    for id_, amount in PAYMENTS.items():
        sender.send(json.dumps(payment(payment_id=id_, amount=amount, account=f"a-{id_}")).encode(), key=f"a-{id_}")
    messages = consumed(world.kafka.address, "results", len(PAYMENTS))
    decisions = {headers["ce_subject"]: json.loads(body) for headers, _, body in messages}
    assert {d["input"]["payment_id"]: d["input"]["amount"] for d in decisions.values()} == PAYMENTS
    _agree_with_the_ledger(world.line, "from-kafka", decisions)
    for headers, key, body in messages:
        told = json.loads(body)
        assert key == told["input"]["account"]
        assert headers["ce_specversion"] == "1.0"
        assert headers["ce_source"] == "/andon/automations/from-kafka"
        assert headers["ce_type"] == f"andon.decision.{told['outcome']}"
        assert headers["content-type"] == "application/json"
        assert datetime.fromisoformat(headers["ce_time"]) <= datetime.now(UTC)
        again = event_of(body, headers)  # as an automation reads it that decides by these decisions in turn
        assert (again.id, again.source, again.type) == (headers["ce_id"], headers["ce_source"], headers["ce_type"])
    assert len({headers["ce_id"] for headers, _, _ in messages}) == len(PAYMENTS)


def test_decisions_of_a_tables_rows_are_told_to_a_webhook(world: World) -> None:
    with psycopg.connect(_url(world.line), autocommit=True) as database:
        database.execute(
            "CREATE TABLE bank_payments (id bigint GENERATED ALWAYS AS IDENTITY, payment_id text, account text, "
            "amount float8, country text, note text)"
        )
        for id_, amount in PAYMENTS.items():
            row = payment(payment_id=id_, amount=amount)
            database.execute(
                "INSERT INTO bank_payments (payment_id, account, amount, country, note) VALUES (%s, %s, %s, %s, "
                "'not for us')",
                [row["payment_id"], row["account"], row["amount"], row["country"]],
            )

    def of_the_table() -> list[dict[str, Any]]:
        """Return the table's results: a result is a CloudEvent, an action follows Standard Webhooks."""
        events = [one.event["data"] for one in list(world.receiver.received.values())]
        return [data for data in events if data.get("automation") == "from-the-table"]

    # A result of each, and an action of each but the one for a person.
    expected = 2 * len(PAYMENTS) - 1
    world.line.wait_until("all was told", lambda: len(of_the_table()) >= expected, timeout=40)
    decisions = {data["id"]: data for data in of_the_table()}
    assert len(of_the_table()) == expected
    assert world.receiver.forged == 0
    results = [event_of(one.body, one.headers) for one in world.receiver.received.values() if "source" in one.event]
    assert {(event.source, json.loads(event.data)["id"]) for event in results} == {
        ("/andon/automations/from-the-table", id_) for id_ in decisions
    }
    assert {d["input"]["payment_id"]: d["input"]["amount"] for d in decisions.values()} == PAYMENTS
    _agree_with_the_ledger(world.line, "from-the-table", decisions)


def consumed(address: str, topic: str, expected: int) -> list[tuple[dict[str, str], str, bytes]]:
    """Headers, key and value of all messages of a topic, once there are so many and no more come for a second."""
    consumer = Consumer({"bootstrap.servers": address, "group.id": "warehouse", "log_level": 0})
    found: list[tuple[dict[str, str], str, bytes]] = []
    try:
        consumer.assign([TopicPartition(topic, partition, 0) for partition in range(3)])
        until = time.monotonic() + 40
        while (message := consumer.poll(1)) is not None or (len(found) < expected and time.monotonic() < until):
            if message is not None and message.error() is None:
                headers = {name: (value or b"").decode() for name, value in message.headers() or []}
                found.append((headers, (message.key() or b"").decode(), message.value() or b""))
    finally:
        consumer.close()
    assert len(found) == expected
    return found


def _agree_with_the_ledger(line: Line, automation: str, told: dict[str, dict[str, Any]]) -> None:
    """Check that published and recorded decisions are the same."""
    with psycopg.connect(_url(line)) as database:
        recorded = database.execute(
            "SELECT id::text, outcome, rule, score FROM decisions WHERE automation = %s", (automation,)
        ).fetchall()
    assert sorted((d["id"], d["outcome"], d["rule"], d["score"]) for d in told.values()) == sorted(recorded)


def _url(line: Line) -> str:
    return postgres.url_of(config.load(line.folder, {}))
