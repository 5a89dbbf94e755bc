"""A deferred answer, with real processes: a worker decides, a gateway answers waiters, and the answer is delivered."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from andon.kernel import config, postgres
from andon.kernel.db import Database
from andon_demo.line import Line
from automations import payment
from calls import DECIDE
from receiver import Receiver
from running import prepared

# PostgreSQL keeps the first kilobyte of a statement: how a batch begins, not the columns that end it.
WRITERS = text("SELECT client_addr FROM pg_stat_activity WHERE query LIKE 'WITH leaf AS (INSERT INTO audit_entries%'")


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def line(receiver: Receiver) -> Iterator[Line]:
    with prepared(receiver.url) as line:
        settings = line.folder / "andon.toml"
        settings.write_text(settings.read_text(encoding="utf-8") + "notify = true\n", encoding="utf-8")
        line.up()
        yield line


@pytest.fixture(scope="module")
def client(line: Line) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {line.key('bank', 'caller')}", "Prefer": "respond-async"}
    with httpx.Client(base_url=line.url, headers=headers, trust_env=False, timeout=60) as client:
        yield client


def test_gateway_and_worker_write_decisions_through_the_socket(line: Line, client: httpx.Client) -> None:
    """What `andon up` tells its processes of the embedded PostgreSQL is what they use."""
    for prefer in ("wait=30", "respond-async"):
        answer = client.post(DECIDE, json=payment(1), headers={"Prefer": prefer})
        assert client.get(answer.headers["Location"], params={"wait": 30}).status_code == 200
    database = Database(postgres.url_of(config.load(line.folder)))
    with database.begin() as tx:
        found = tx.execute(WRITERS).scalars().all()
    database.close()
    assert found == [None, None]


def test_who_waits_gets_the_decision_as_soon_as_a_worker_has_made_it(client: httpx.Client) -> None:
    client.get(accepted(client, 0), params={"wait": 30})  # the worker loads its models for the first

    def ask(number: int) -> tuple[str, float]:
        began = time.monotonic()
        answer = client.get(accepted(client, number), params={"wait": 30})
        assert answer.status_code == 200
        return answer.json()["outcome"], time.monotonic() - began

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(1, 33)))
    assert {outcome for outcome, _ in answers} == {"release"}
    assert max(seconds for _, seconds in answers) < 10


def test_the_whole_answer_is_brought_signed(client: httpx.Client, receiver: Receiver) -> None:
    identifier = accepted(client, 100, notify="bank", amount=290.0).rpartition("/")[2]
    found = []
    until = time.monotonic() + 20
    while not found and time.monotonic() < until:
        receiver.wait_for_requests(receiver.requests + 1, within=1)
        found = [one for one in list(receiver.received.values()) if one.event["data"]["id"] == identifier]
    (told,) = found
    assert told.event["type"] == "decision.decided"
    assert (told.event["data"]["outcome"], told.event["data"]["input"]["amount"]) == ("review", 290.0)
    actions = client.get(f"/v1/decisions/{identifier}").json()["actions"]
    assert [(action["id"], action["action"], action["destination"]) for action in actions] == [
        (told.id, "notify", "bank")
    ]
    assert receiver.forged == 0


@pytest.mark.parametrize("follows", ["decision", "review", "actions"])
def test_a_worker_with_nothing_to_do_sees_what_comes(client: httpx.Client, follows: str) -> None:
    """Five in a row, each when the worker rests again: it would rest for five seconds each time if nothing woke it."""
    began = time.monotonic()
    for number in range(200, 205):
        address = accepted(client, number, amount=290.0 if follows == "review" else 20.0)
        assert client.get(address, params={"wait": 30}).status_code == 200
        until = time.monotonic() + 30
        while follows != "decision" and not ended(client.get(address).json(), follows):
            assert time.monotonic() < until
            time.sleep(0.02)
    assert time.monotonic() - began < 10


def ended(decision: dict[str, Any], follows: str) -> bool:
    """Whether what follows a decision is there: an open review, or actions that are all done."""
    found = decision[follows]
    return found is not None if follows == "review" else bool(found) and {one["state"] for one in found} == {"done"}


def accepted(client: httpx.Client, number: int, *, notify: str = "", **fields: object) -> str:
    headers = {"Andon-Notify": notify} if notify else {}
    response = client.post(DECIDE, json=payment(number, **fields), headers=headers)
    assert response.status_code == 202, response.text
    return response.headers["Location"]
