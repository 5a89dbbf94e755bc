"""The decide route as its callers meet it."""

import asyncio
import time
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from andon.access import Grant, Role
from andon.gateway.decide import Decide
from automations import payment
from calls import DECIDE, call, calling
from lines import CALLER, Installation


def recorded(installation: Installation) -> int:
    with installation.database.begin() as tx:
        return int(tx.execute(text("SELECT count(*) FROM decisions")).scalar_one())


def test_the_answer_says_what_was_chosen_why_and_by_which_versions(installation: Installation) -> None:
    key = installation.key("bank", CALLER)
    response = call(
        installation, "POST", DECIDE, key, json=payment(country="KP"), headers={"X-Correlation-ID": "order-7"}
    )
    answer = response.json()
    assert response.status_code == 200
    assert (answer["outcome"], answer["rule"], answer["reasons"]) == ("pause", "sanctioned", ["SANCTIONED_COUNTRY"])
    assert (answer["model"]["name"], answer["model"]["version"], answer["automation_version"]) == ("fraud-risk", 1, 1)
    assert len(answer["model"]["digest"]) == 64
    assert answer["correlation_id"] == response.headers["X-Correlation-ID"] == "order-7"
    assert answer["latency_ms"] > 0
    assert response.headers["RateLimit"].startswith('"burst";r=')
    assert response.headers["Location"] == f"/v1/decisions/{answer['id']}"


def test_the_whole_record_can_be_read_back_by_who_asked_and_not_by_a_stranger(installation: Installation) -> None:
    bank, stranger = installation.key("bank", CALLER), installation.key("stranger", Grant(Role.OWNER, "other"))
    location = call(installation, "POST", DECIDE, bank, json=payment(amount=290.0)).headers["Location"]
    whole = call(installation, "GET", location, bank).json()
    assert whole["input"] == payment(amount=290.0)
    assert whole["features"]["amount_sum_1h"] == 290.0
    assert whole["policy"]["outcome"] == "review"
    assert whole["actions"] == []
    assert call(installation, "GET", location, stranger).status_code == 404


def extra(value: bytes) -> bytes:
    """Return a payment with a field that nobody reads, which holds this JSON."""
    return b'{"payment_id":"p","account":"a","amount":1,"x":' + value + b"}"


BAD: list[tuple[str, dict[str, Any], int, str]] = [
    ("a missing field", {"json": {"payment_id": "p"}}, 422, "InputInvalid"),
    ("a wrong type", {"json": {**payment(), "amount": "much"}}, 422, "InputInvalid"),
    ("a value out of range", {"json": {**payment(), "amount": -1}}, 422, "InputInvalid"),
    ("NaN", {"content": b'{"payment_id":"p","account":"a","amount":NaN}'}, 400, "InputMalformed"),
    ("NaN where nobody looks", {"content": extra(b"NaN")}, 400, "InputMalformed"),
    ("a number without end", {"content": b'{"payment_id":"p","account":"a","amount":1e999}'}, 422, "InputInvalid"),
    ("one where nobody looks", {"content": extra(b"[-1e999]")}, 400, "InputMalformed"),
    ("one in digits where nobody looks", {"content": extra(b"9" * 400 + b".0")}, 400, "InputMalformed"),
    ("a NUL character", {"content": b'{"payment_id":"\\u0000","account":"a","amount":1}'}, 400, "InputMalformed"),
    ("half a document", {"content": b'{"payment_id":'}, 400, "InputMalformed"),
    ("an empty body", {"content": b""}, 400, "InputMalformed"),
    ("a list", {"content": b"[]"}, 422, "InputInvalid"),
    ("a deep nest", {"content": b"[" * 100_000}, 400, "InputMalformed"),
    (
        "bytes that are no UTF-8",
        {"content": b'{"payment_id":"\xff\xfe","account":"a","amount":1}'},
        400,
        "InputMalformed",
    ),
    ("ten megabytes", {"content": b'{"payment_id":"' + b"x" * 10_000_000 + b'"}'}, 413, "BodyTooLarge"),
    (
        "another content type",
        {"content": b"{}", "headers": {"Content-Type": "text/plain"}},
        415,
        "MediaTypeUnsupported",
    ),
    (
        "another encoding",
        {"content": b"{}", "headers": {"Content-Type": "application/json; charset=utf-16"}},
        415,
        "MediaTypeUnsupported",
    ),
    (
        "a compressed body",
        {"content": b"{}", "headers": {"Content-Type": "application/json", "Content-Encoding": "gzip"}},
        415,
        "MediaTypeUnsupported",
    ),
    ("a bad correlation id", {"json": payment(), "headers": {"X-Correlation-ID": "a b"}}, 422, "HeaderInvalid"),
    ("a bad idempotency key", {"json": payment(), "headers": {"Idempotency-Key": "x" * 256}}, 422, "HeaderInvalid"),
]


@pytest.mark.parametrize(("request_", "status", "code"), [b[1:] for b in BAD], ids=[b[0] for b in BAD])
def test_bad_input_gets_a_precise_problem_and_nothing_is_recorded(
    installation: Installation, request_: dict[str, Any], status: int, code: str
) -> None:
    headers = {"Content-Type": "application/json", **request_.get("headers", {})}
    key = installation.key("bank", CALLER)
    response = call(installation, "POST", DECIDE, key, **{**request_, "headers": headers})
    problem = response.json()
    assert (response.status_code, problem["code"]) == (status, code)
    assert response.headers["Content-Type"] == "application/problem+json"
    assert problem["status"] == status
    assert "Traceback" not in response.text
    assert recorded(installation) == 0


def test_a_field_that_does_not_fit_is_named_without_its_value(installation: Installation) -> None:
    key = installation.key("bank", CALLER)
    problem = call(installation, "POST", DECIDE, key, json={**payment(), "amount": "secret"}).json()
    assert [error["field"] for error in problem["errors"]] == ["input.amount"]
    assert "secret" not in str(problem)


@pytest.mark.parametrize(
    ("key", "status"),
    [(None, 401), ("andon_nothing", 401), ("andon_" + "0" * 32 + "_" + "0" * 64, 401)],
)
def test_without_a_key_that_opens_nothing_is_decided(installation: Installation, key: str | None, status: int) -> None:
    response = call(installation, "POST", DECIDE, key, json=payment())
    assert response.status_code == status
    assert response.headers["WWW-Authenticate"].startswith("Bearer")
    assert recorded(installation) == 0


def test_a_key_of_another_scope_is_denied_and_learns_nothing(installation: Installation) -> None:
    stranger = installation.key("stranger", Grant(Role.OWNER, "other"))
    denied = call(installation, "POST", DECIDE, stranger, json=payment())
    unknown = call(installation, "POST", "/v1/automations/none/decisions", stranger, json=payment())
    assert (denied.status_code, unknown.status_code) == (403, 403)


def test_an_unknown_automation_is_not_found_by_who_may_see_all(installation: Installation) -> None:
    admin = installation.key("admin", Grant(Role.ADMIN))
    response = call(installation, "POST", "/v1/automations/none/decisions", admin, json=payment())
    assert (response.status_code, response.json()["code"]) == (404, "AutomationNotFound")


def test_another_method_is_told_which_one_there_is(installation: Installation) -> None:
    response = call(installation, "PUT", DECIDE, installation.key("bank", CALLER), json=payment())
    assert (response.status_code, response.headers["Allow"]) == (405, "POST")


def test_the_same_key_gets_the_first_answer_again_and_another_input_is_refused(installation: Installation) -> None:
    key = installation.key("bank", CALLER)
    headers = {"Idempotency-Key": "transfer-1"}
    first = call(installation, "POST", DECIDE, key, json=payment(), headers=headers)
    again = call(installation, "POST", DECIDE, key, json=payment(), headers=headers)
    other = call(installation, "POST", DECIDE, key, json=payment(2), headers=headers)
    told_again = {name: value for name, value in again.json().items() if name != "latency_ms"}
    assert told_again == {name: value for name, value in first.json().items() if name != "latency_ms"}
    assert again.headers["Idempotency-Replayed"] == "true"
    assert (other.status_code, other.json()["code"]) == (422, "KeyReused")
    assert recorded(installation) == 1


def test_a_key_that_is_being_decided_is_a_conflict(installation: Installation) -> None:
    key = installation.key("bank", CALLER)
    headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": "transfer-1"}

    async def twice(client: httpx.AsyncClient) -> list[int]:
        calls = (client.post(DECIDE, json=payment(), headers=headers) for _ in range(2))
        return sorted(response.status_code for response in await asyncio.gather(*calls))

    assert calling(installation, twice) == [200, 409]


def test_a_request_for_later_is_accepted_once_and_can_be_polled(installation: Installation) -> None:
    key = installation.key("bank", CALLER)
    headers = {"Prefer": "respond-async", "Idempotency-Key": "later-1"}
    first = call(installation, "POST", DECIDE, key, json=payment(), headers=headers)
    again = call(installation, "POST", DECIDE, key, json=payment(), headers=headers)
    assert (first.status_code, again.headers["Location"]) == (202, first.headers["Location"])
    waiting = call(installation, "GET", first.headers["Location"], key)
    assert (waiting.status_code, waiting.json()["status"]) == (202, "pending")


def test_who_asks_too_often_is_told_when_to_come_again(installation: Installation) -> None:
    key = installation.key("bank", CALLER)
    headers = {"Authorization": f"Bearer {key}"}

    async def burst(client: httpx.AsyncClient) -> list[httpx.Response]:
        return [await client.post(DECIDE, json=payment(i), headers=headers) for i in range(4)]

    *answered, refused = calling(installation, burst, burst=3, rate_per_minute=1)
    assert [response.status_code for response in answered] == [200, 200, 200]
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) >= 1
    assert refused.headers["RateLimit-Policy"].startswith('"burst";q=3')


def test_more_than_fits_under_way_is_turned_away_and_the_rest_is_answered(installation: Installation) -> None:
    key = installation.key("bank", CALLER)
    headers = {"Authorization": f"Bearer {key}"}

    async def rush(client: httpx.AsyncClient) -> list[int]:
        calls = (client.post(DECIDE, json=payment(i), headers=headers) for i in range(20))
        return [response.status_code for response in await asyncio.gather(*calls)]

    statuses = calling(installation, rush, max_in_flight=5)
    assert statuses.count(200) == 5
    assert statuses.count(503) == 15
    assert recorded(installation) == 5


def test_when_as_much_is_under_way_as_may_be_the_wire_refuses_at_a_glance_and_counts_it_for_the_automation(
    installation: Installation,
) -> None:
    gateway, side = installation.gateway(max_in_flight=2)
    overload = Decide(gateway).overload
    until = time.monotonic() + 5
    for under_way, sheds in ((1, False), (2, True), (1, False)):
        gateway.admission.in_flight = under_way
        while overload.shedding != sheds:  # it looks again after a moment
            assert time.monotonic() < until
    overload.tally("payments", 1)
    overload.tally("nothing-deployed", 2)
    exposed = side.metrics.text().decode()
    assert 'andon_refused_total{automation="payments",reason="queue"} 1.0' in exposed
    assert 'andon_refused_total{automation="unknown",reason="queue"} 2.0' in exposed
