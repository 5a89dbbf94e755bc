"""Ten thousand events of ten thousand keys at once, by HTTP: each is decided once, and other calls are answered."""

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import psycopg
import pytest

from andon.kernel import config, postgres
from andon_demo.line import Line
from automations import payment
from calls import DECIDE
from receiver import Receiver
from running import prepared

AUTOMATION = """
from andon import http_events
from automations import an_automation

payments = an_automation()
payments.triggers = (http_events(types=("payment.made",)),)
"""

KEYS = 10_000
EACH = 1000
UNAFFECTED = 5.0
"""The time limit of one concurrent call, in seconds: about three times the usual, far less than the worker's load."""

BATCH = {"content-type": "application/cloudevents-batch+json"}


@pytest.fixture(scope="module")
def line() -> Iterator[Line]:
    with Receiver() as receiver, prepared(receiver.url) as line:
        (line.folder / "automation.py").write_text(AUTOMATION, encoding="utf-8")
        line.up()
        yield line


def test_ten_thousand_keys_at_once_are_all_decided_and_calls_go_on(line: Line) -> None:
    headers = {"Authorization": f"Bearer {line.key('bank', 'caller').split()[-1]}"}
    bodies = [json.dumps([event(n) for n in range(first, first + EACH)]) for first in range(0, KEYS, EACH)]
    answers: list[tuple[int, float]] = []
    enough = threading.Event()

    def ask_on_and_on(client: httpx.Client) -> None:
        while not enough.is_set():
            began = time.monotonic()
            status = client.post(DECIDE, json=payment(KEYS + len(answers), account="beside")).status_code
            answers.append((status, time.monotonic() - began))

    with httpx.Client(base_url=line.url, headers=headers, trust_env=False, timeout=60) as client:
        beside = threading.Thread(target=ask_on_and_on, args=(client,))
        beside.start()
        try:
            with ThreadPoolExecutor(len(bodies)) as pool:
                taken = list(pool.map(lambda body: client.post("/v1/events", content=body, headers=BATCH), bodies))
            again = client.post("/v1/events", content=bodies[0], headers=BATCH)
            line.wait_until("all is decided", lambda: decided(line) >= KEYS, timeout=90)
        finally:
            enough.set()
            beside.join()
    assert [answer.status_code for answer in taken] == [202] * len(bodies)
    assert {one["automations"]["payments"] for one in again.json()["events"]} == {"repeated"}
    assert {status for status, _ in answers} == {200}
    assert max(seconds for _, seconds in answers) < UNAFFECTED
    assert found(
        line, "SELECT count(*), count(DISTINCT correlation_id) FROM decisions WHERE correlation_id LIKE 'e-%'"
    ) == (KEYS, KEYS)
    assert found(line, "SELECT count(*) FROM dead_events") == (0,)


def event(number: int) -> dict[str, object]:
    return {
        "specversion": "1.0",
        "id": f"e-{number}",
        "source": "/bank",
        "type": "payment.made",
        "data": payment(number, account=f"a-{number}"),
    }


def decided(line: Line) -> int:
    return int(found(line, "SELECT coalesce(sum(decided), 0)::int FROM stream_partitions")[0])


def found(line: Line, statement: str) -> tuple[int, ...]:
    with psycopg.connect(postgres.url_of(config.load(line.folder, {}))) as database:
        row = database.execute(statement).fetchone()
    assert row is not None
    return row
