"""The events of `script/bench events`: transfers of 5,000 accounts, to Kafka topics and NATS streams."""

import asyncio
import json
import random
from collections.abc import Iterator

import nats
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

ACCOUNTS = 5_000
PARTITIONS = 4
FLUSH_EACH = 500


def transfers(count: int) -> Iterator[tuple[str, bytes]]:
    """Return this many transfers, as account and JSON; always the same."""
    draw = random.Random(3)
    for number in range(count):
        account = f"acc-{draw.randrange(ACCOUNTS)}"
        transfer = {
            "transfer_id": f"t-{number}",
            "account_id": account,
            "country": "DE",
            "beneficiary_country": draw.choice(("DE", "FR", "NL", "IT", "XA")) if draw.random() < 0.1 else "DE",
            "instant": draw.random() < 0.3,
            "amount": round(draw.lognormvariate(4, 1), 2),
            "balance": round(draw.lognormvariate(7, 1), 2),
            "usual_amount": round(draw.lognormvariate(4, 0.6), 2),
            "hour": draw.randrange(24),
            "failed_logins": int(draw.random() < 0.2),
            "device_trust": round(draw.betavariate(5, 2), 3),
            "beneficiary_age_days": draw.randrange(2_000),
            "distance_km": round(draw.expovariate(1 / 40), 2),
        }
        yield account, json.dumps(transfer).encode()


def _part_of(account: str) -> int:
    """Return the subject for an account's transfers."""
    return int(account.removeprefix("acc-")) % PARTITIONS


def make_topic(address: str, topic: str) -> None:
    """Create a topic with some partitions."""
    client = AdminClient({"bootstrap.servers": address, "log_level": 0})
    for made in client.create_topics([NewTopic(topic, PARTITIONS, 1)]).values():
        made.result(10)


def fill_topic(address: str, topic: str, count: int) -> None:
    """Send so many transfers; they are there when this returns."""
    producer = Producer({"bootstrap.servers": address, "linger.ms": 5, "log_level": 0})
    for account, body in transfers(count):
        while True:
            try:
                producer.produce(topic, body, key=account)
                break
            except BufferError:
                producer.poll(0.01)
    if producer.flush(60):
        raise TimeoutError("the Kafka broker did not take all")


def make_stream(address: str, stream: str) -> None:
    """Create a stream for all subjects below its name."""

    async def make() -> None:
        client = await nats.connect(f"nats://{address}")
        await client.jetstream().add_stream(name=stream, subjects=[f"{stream}.>"])
        await client.close()

    asyncio.run(make())


def fill_stream(address: str, stream: str, count: int) -> None:
    """Send so many transfers; they are there when this returns."""

    async def fill() -> None:
        client = await nats.connect(f"nats://{address}")
        js = client.jetstream()
        for number, (account, body) in enumerate(transfers(count), start=1):
            if number == count:
                await js.publish(f"{stream}.{_part_of(account)}", body)  # acknowledged, and so are all before it
                break
            await client.publish(f"{stream}.{_part_of(account)}", body)
            if number % FLUSH_EACH == 0:
                await client.flush()
        await client.close()

    asyncio.run(fill())
