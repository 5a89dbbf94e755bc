"""CloudEvents over HTTP: kept for automations whose trigger takes them, decided once, or refused with the reason."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.integration.streams.streaming import decided, reading, rows, streaming, until

from andon import http_events, streams
from andon.access import Grant, Role
from andon.kernel.db import Database
from andon.streams.sources import inbox_source
from automations import payment
from calls import call
from lines import Installation

BINARY = {
    "ce-specversion": "1.0",
    "ce-id": "e1",
    "ce-source": "/bank",
    "ce-type": "payment.made",
    "content-type": "application/json",
}
STRUCTURED = {"content-type": "application/cloudevents+json; charset=UTF-8"}
JSON = {"content-type": "application/json"}
BATCH = {"content-type": "application/cloudevents-batch+json"}


def envelope(number: int, **changes: Any) -> dict[str, Any]:
    event = {"specversion": "1.0", "id": f"e{number}", "source": "/bank", "type": "payment.made"}
    return event | {"data": payment(number)} | changes


@pytest.fixture
def installation(database: Database, tmp_path: Path) -> Installation:
    return streaming(database, tmp_path, http_events(types=("payment.made",)))


@pytest.fixture
def bank(installation: Installation) -> str:
    return installation.key("bank", Grant(Role.CALLER, "payments"))


@pytest.fixture
def stranger(installation: Installation) -> str:
    return installation.key("stan", Grant(Role.OWNER, "lending"))


def post(installation: Installation, key: str, content: Any, headers: dict[str, str]) -> httpx.Response:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return call(installation, "POST", "/v1/events", key, content=body, headers=headers)


def test_a_batch_is_taken_as_plain_json_too(installation: Installation, bank: str) -> None:
    def answered(content: Any, headers: dict[str, str]) -> httpx.Response:
        return call(installation, "POST", "/v1/events:batch", bank, content=json.dumps(content), headers=headers)

    plain = answered([envelope(1), envelope(2)], JSON)
    assert (plain.status_code, [one["status"] for one in plain.json()["events"]]) == (202, [202, 202])
    again = answered([envelope(2), envelope(3, specversion="0.3")], BATCH)
    assert [one["status"] for one in again.json()["events"]] == [202, 422]
    assert again.json()["events"][0]["automations"] == {"payments": "repeated"}
    assert answered(envelope(4), JSON).status_code == 422
    assert answered([envelope(5)], {"content-type": "text/plain"}).status_code == 415


def test_events_in_all_three_modes_are_decided_once(installation: Installation, bank: str) -> None:
    answers = [
        post(installation, bank, payment(1), BINARY | {"ce-time": "2026-11-20T10:00:00Z"}),
        post(installation, bank, envelope(2), STRUCTURED),
        post(installation, bank, [envelope(3), envelope(4)], BATCH),
        post(installation, bank, envelope(1), STRUCTURED),
    ]
    assert [answer.status_code for answer in answers] == [202] * 4
    told = [event["automations"]["payments"] for answer in answers for event in answer.json()["events"]]
    assert told == ["accepted", "accepted", "accepted", "accepted", "repeated"]

    async def work() -> None:
        async with reading(installation, inbox_source(installation.database, "payments")):
            await until(lambda: decided(installation) == 4)

    asyncio.run(work())
    found = rows(
        installation, "SELECT correlation_id, caller, convert_from(record, 'utf8')::json->>'happened_at' FROM decisions"
    )
    by_event = {row[0]: row[1:] for row in found}
    assert set(by_event) == {"e1", "e2", "e3", "e4"}
    assert by_event["e1"] == ("bank", "2026-11-20T10:00:00Z")


def test_an_event_in_binary_mode_need_not_name_its_media_type(installation: Installation, bank: str) -> None:
    unnamed = {name: value for name, value in BINARY.items() if name != "content-type"}
    assert post(installation, bank, json.dumps(payment(1)).encode(), unnamed).status_code == 202


def test_an_event_that_stands_twice_in_a_batch_is_kept_once(installation: Installation, bank: str) -> None:
    answer = post(installation, bank, [envelope(1), envelope(2), envelope(1)], BATCH)
    told = [event["automations"]["payments"] for event in answer.json()["events"]]
    assert told == ["accepted", "accepted", "repeated"]
    assert rows(installation, "SELECT event_id FROM event_inbox ORDER BY position") == [("e1",), ("e2",)]


def test_of_a_batch_each_event_is_answered_by_itself(installation: Installation, bank: str) -> None:
    wrong = envelope(2) | {"data": {"payment_id": 5, "amount": -1}}
    unknown = envelope(3, type="payment.lost")
    answer = post(installation, bank, [envelope(1), wrong, unknown, {"id": "x"}, 7], BATCH)
    assert answer.status_code == 207
    told = answer.json()["events"]
    assert [event["status"] for event in told] == [202, 422, 422, 422, 422]
    assert told[0]["automations"] == {"payments": "accepted"}
    assert {fault["field"] for fault in told[1]["problem"]["errors"]} == {
        "input.payment_id",
        "input.account",
        "input.amount",
    }
    assert told[2]["problem"]["type"] == "urn:andon:problem:event-unknown"
    assert told[3]["problem"]["type"] == "urn:andon:problem:event-unreadable"


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (b"not json", BINARY, 400),
        (payment(1), {"content-type": "application/json"}, 415),
        (payment(1), BINARY | {"content-type": "text/plain"}, 415),
        (payment(1), BINARY | {"ce-type": "other"}, 422),
        (payment(1), {name: value for name, value in BINARY.items() if name != "ce-id"}, 422),
        (payment(1), {name: value for name, value in BINARY.items() if name != "ce-type"}, 422),
        (payment(1), BINARY | {"ce-specversion": "2.0"}, 422),
        (b"{}", BATCH, 422),
        (b"x" * 1_100_000, BINARY, 413),
        (payment(1, payment_id="x" * 5_000_000), BINARY, 413),
        ({"payment_id": "p1", "amount": 5.0}, BINARY, 422),
        (payment(1, amount=-1), BINARY, 422),
        ([], BATCH, 202),
    ],
)
def test_what_is_no_event_for_anybody_here_is_refused(
    installation: Installation, bank: str, content: Any, headers: dict[str, str], status: int
) -> None:
    assert post(installation, bank, content, headers).status_code == status
    assert rows(installation, "SELECT count(*) FROM event_inbox") == [(0,)]


def test_nobody_brings_events_who_may_not_ask_for_decisions(installation: Installation, stranger: str) -> None:
    assert post(installation, stranger, envelope(1), STRUCTURED).status_code == 422
    vera = installation.key("vera", Grant(Role.VIEWER, "payments"))
    assert post(installation, vera, envelope(1), STRUCTURED).status_code == 403
    assert post(installation, "andon_x_y", envelope(1), STRUCTURED).status_code == 401
    assert call(installation, "GET", "/v1/events", vera).status_code == 405
    assert rows(installation, "SELECT count(*) FROM event_inbox") == [(0,)]


def test_streams_are_seen_and_run_by_who_may(installation: Installation, bank: str, stranger: str) -> None:
    post(installation, bank, [envelope(n) for n in range(5)], BATCH)

    async def work() -> None:
        async with reading(installation, inbox_source(installation.database, "payments")):
            await until(lambda: decided(installation) == 5)

    asyncio.run(work())
    otto, vera = (
        installation.key(name, Grant(role, "payments"))
        for name, role in (("otto", Role.OPERATOR), ("vera", Role.VIEWER))
    )
    (listed,) = call(installation, "GET", "/v1/streams", vera).json()
    assert (listed["stream"], listed["decided"], listed["state"]) == ("http:events", 5, "idle")
    path = "/v1/streams/payments/http:events"
    why = {"reason": "a look"}
    assert call(installation, "POST", path.replace("streams/", "streams:pause/"), vera, json=why).status_code == 403
    assert call(installation, "POST", path.replace("streams/", "streams:pause/"), stranger, json=why).status_code == 404
    assert call(installation, "GET", path, stranger).status_code == 404
    assert call(installation, "GET", "/v1/streams", stranger).json() == []
    assert (
        call(installation, "POST", path.replace("streams/", "streams:pause/"), otto, json=why).json()["state"]
        == "paused"
    )
    assert (
        call(installation, "POST", path.replace("streams/", "streams:resume/"), otto, json=why).json()["state"]
        == "idle"
    )
    sought = call(installation, "POST", path.replace("streams/", "streams:seek/"), otto, json=why | {"to": "start"})
    assert (sought.status_code, sought.json()["partitions"][0]["seek"]) == (202, "start")
    assert (
        call(
            installation, "POST", path.replace("streams/", "streams:seek/"), otto, json=why | {"to": "soon"}
        ).status_code
        == 422
    )
    assert call(installation, "POST", "/v1/streams:pause/payments/none", otto, json=why).status_code == 404


def test_dead_events_are_seen_mended_and_discarded_by_who_may(
    installation: Installation, bank: str, stranger: str
) -> None:
    with installation.database.begin() as tx:
        event = streams.Event(b"{}", "/bank", "e1", "payment.made")
        received = streams.ReceivedEvent(event, "payments", None)
        streams.receive(tx, [received], caller="bank", now=installation.clock.now())

    async def work() -> None:
        async with reading(installation, inbox_source(installation.database, "payments")):
            await until(lambda: rows(installation, "SELECT count(*) FROM dead_events") == [(1,)])

    asyncio.run(work())
    otto = installation.key("otto", Grant(Role.OPERATOR, "payments"))
    (dead,) = call(installation, "GET", "/v1/dead-events", otto).json()["events"]
    path = f"/v1/dead-events/{dead['id']}"
    assert call(installation, "GET", "/v1/dead-events", stranger).json()["events"] == []
    assert call(installation, "GET", path, stranger).status_code == 404
    assert call(installation, "GET", path, otto).json()["data"] == "{}"
    body = {"reason": "mended", "data": payment(1)}
    assert call(installation, "POST", f"{path}/resend", bank, json=body).status_code == 404
    for data, kind in (
        (r'{"payment_id": "p\ud800"}', "request-invalid"),
        (r'{"p\udc00": 1}', "request-invalid"),
        ('{"amount": NaN}', "event-unreadable"),
        ("-Infinity", "event-unreadable"),
    ):
        unreadable = f'{{"reason": "mended", "data": {data}}}'
        refused = call(installation, "POST", f"{path}/resend", otto, content=unreadable, headers=JSON)
        assert (refused.status_code, refused.json()["type"]) == (422, f"urn:andon:problem:{kind}")
    sent = call(installation, "POST", f"{path}/resend", otto, json=body)
    assert (sent.status_code, sent.json()["state"]) == (202, "sent")
    assert call(installation, "POST", f"{path}/discard", otto, json={"reason": "x"}).status_code == 409


def test_the_asyncapi_document_names_what_comes_in(installation: Installation, bank: str, stranger: str) -> None:
    olga = installation.key("olga", Grant(Role.OWNER, "payments"))
    document = call(installation, "GET", "/asyncapi.json", olga).json()
    assert document["asyncapi"] == "3.0.0"
    (channel,) = document["channels"].values()
    assert channel["address"] == "/v1/events"
    assert call(installation, "GET", "/asyncapi.json", stranger).json()["channels"] == {}


@pytest.mark.parametrize("attribute", ["id", "source"])
def test_an_event_whose_id_no_index_takes_is_refused_by_itself(
    installation: Installation, bank: str, attribute: str
) -> None:
    digits = "".join(f"{number * 2654435761 % 2**32:08x}" for number in range(375))  # which no compression makes short
    answer = post(installation, bank, [envelope(1), envelope(2, **{attribute: digits}), envelope(3)], BATCH)
    assert answer.status_code == 207
    assert [one["status"] for one in answer.json()["events"]] == [202, 422, 202]
    problem = answer.json()["events"][1]["problem"]
    assert problem["errors"] == [{"field": attribute, "message": "has 3000 bytes, expected at most 1024"}]
    assert post(installation, bank, envelope(4, **{attribute: digits}), STRUCTURED).status_code == 422


def test_while_an_automation_is_not_ready_its_events_are_to_be_sent_again(
    installation: Installation, bank: str
) -> None:
    installation.deployment.lines = {}
    answer = post(installation, bank, envelope(1), STRUCTURED)
    assert (answer.status_code, answer.json()["code"]) == (503, "NotReady")
    assert answer.headers["Retry-After"] == "1"
    other = post(installation, bank, envelope(1, type="nobody.takes.this"), STRUCTURED)
    assert (other.status_code, other.json()["code"]) == (422, "EventUnknown")
