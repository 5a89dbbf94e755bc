"""The plain approach that `script/bench events` compares with: read, decide and record an event in one transaction.

The transaction writes decision, window and offset. No batches, no audit, no policy engine: an afternoon of
careful work, with the same model and the same promise that nothing is lost or done twice. `python -m
benchmarks.plain_events URL BROKERS TOPIC MODEL EVENTS`; prints events per second.
"""

import json
import sys
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
import onnxruntime
import psycopg
from confluent_kafka import Consumer, TopicPartition

NUMBERS = (
    "amount",
    "balance",
    "usual_amount",
    "hour",
    "failed_logins",
    "device_trust",
    "beneficiary_age_days",
    "distance_km",
)
SPANS = ("10 minutes", "1 hour", "24 hours")
TABLES = """
CREATE TABLE IF NOT EXISTS plain_decisions (
    id bigserial PRIMARY KEY, account text, amount float8, at timestamptz DEFAULT now(),
    score float8, outcome text, input jsonb);
CREATE INDEX IF NOT EXISTS plain_by_account ON plain_decisions (account, at);
CREATE TABLE IF NOT EXISTS plain_offsets (part int PRIMARY KEY, next bigint);
"""
WINDOW = """
SELECT count(*) FILTER (WHERE at > now() - %(a)s::interval),
    coalesce(sum(amount) FILTER (WHERE at > now() - %(a)s::interval), 0),
    coalesce(max(amount) FILTER (WHERE at > now() - %(a)s::interval), 0),
    count(*) FILTER (WHERE at > now() - %(b)s::interval),
    coalesce(sum(amount) FILTER (WHERE at > now() - %(b)s::interval), 0),
    coalesce(max(amount) FILTER (WHERE at > now() - %(b)s::interval), 0),
    count(*), coalesce(sum(amount), 0), coalesce(max(amount), 0)
FROM plain_decisions WHERE account = %(account)s AND at > now() - %(c)s::interval
"""


def main() -> None:
    """Decide this many events, one by one."""
    url, brokers, topic, model, events = sys.argv[1:]
    session = onnxruntime.InferenceSession(model)
    consumer = Consumer(
        {"bootstrap.servers": brokers, "group.id": "plain", "enable.auto.commit": False, "log_level": 0}
    )
    partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
    consumer.assign([TopicPartition(topic, number, 0) for number in partitions])
    with psycopg.connect(url) as database:
        database.execute(TABLES)
        database.commit()
        began, done = time.perf_counter(), 0
        while done < int(events):
            message = consumer.poll(1.0)
            if message is None or message.error():
                continue
            sent = json.loads(message.value() or b"")
            _decide(database, session, sent)
            database.execute(
                "INSERT INTO plain_offsets VALUES (%s, %s) ON CONFLICT (part) DO UPDATE SET next = excluded.next",
                (message.partition(), (message.offset() or 0) + 1),
            )
            database.commit()
            done += 1
        print(json.dumps({"per_second": round(done / (time.perf_counter() - began), 1)}))
    consumer.close()


def _decide(database: "psycopg.Connection[Any]", session: Any, sent: Mapping[str, Any]) -> None:
    spans = dict(zip("abc", SPANS, strict=True))
    window = database.execute(WINDOW, {**spans, "account": sent["account_id"]}).fetchone()
    row = np.array([[*(sent[name] for name in NUMBERS), *(window or ())]], dtype=np.float32)
    score = float(session.run(None, {session.get_inputs()[0].name: row})[1][0, 1])
    outcome = "pause" if score >= 0.6 else "release" if score < 0.4 else "review"
    database.execute(
        "INSERT INTO plain_decisions (account, amount, score, outcome, input) VALUES (%s, %s, %s, %s, %s)",
        (sent["account_id"], sent["amount"], score, outcome, json.dumps(sent)),
    )


if __name__ == "__main__":
    main()
