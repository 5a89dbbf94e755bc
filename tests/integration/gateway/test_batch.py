"""Many decisions in one call: each row is a decision of its own, answered in order, whatever is wrong with others."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from andon.access import Grant, Role
from andon.gateway import create_app
from automations import payment
from calls import DECIDE, call, calling
from lines import CALLER, Installation

BATCH = f"{DECIDE}:batch"
JSON, NDJSON, ARROW = "application/json", "application/x-ndjson", "application/vnd.apache.arrow.stream"


def ids(installation: Installation) -> set[str]:
    with installation.database.begin() as tx:
        return set(tx.execute(text("SELECT id::text FROM decisions")).scalars())


def lines(rows: Sequence[Any]) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def ask(installation: Installation, key: str, body: Any, media_type: str = NDJSON, **headers: str) -> httpx.Response:
    headers = {"Content-Type": media_type, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return call(installation, "POST", BATCH, key, content=body, headers=headers)


def rows_of(response: httpx.Response) -> list[dict[str, Any]]:
    if response.headers["Content-Type"] == NDJSON:
        return [json.loads(line) for line in response.text.splitlines()]
    rows: list[dict[str, Any]] = response.json()
    return rows


@pytest.mark.parametrize("media_type", [JSON, NDJSON])
def test_each_row_is_decided_and_recorded_and_answered_in_its_place(
    installation: Installation, media_type: str
) -> None:
    key = installation.key("bank", CALLER)
    given = [payment(n, country="KP" if n % 3 == 0 else "DE") for n in range(600)]
    body = lines(given) if media_type == NDJSON else json.dumps(given, indent=1).encode()
    response = ask(installation, key, body, media_type, X_Correlation_ID="run-7")
    answers = rows_of(response)
    assert (response.status_code, response.headers["Content-Type"]) == (200, media_type)
    assert [answer["outcome"] == "pause" for answer in answers] == [n % 3 == 0 for n in range(600)]
    assert {answer["correlation_id"] for answer in answers} == {response.headers["X-Correlation-ID"]} == {"run-7"}
    assert {answer["id"] for answer in answers} == ids(installation)
    whole = call(installation, "GET", f"/v1/decisions/{answers[17]['id']}", key).json()
    assert whole["input"] == given[17]


@pytest.mark.parametrize("media_type", [JSON, NDJSON])
def test_a_bad_row_loses_no_other(installation: Installation, media_type: str) -> None:
    key = installation.key("bank", CALLER)
    good = json.dumps(payment()).encode()
    large = json.dumps({**payment(), "note": "x" * 1_000_000}).encode()
    parts = [good, b'{"payment_id": 1}', good, b'{"a": tru}', large, good]
    body = b"\n".join(parts) if media_type == NDJSON else b"[" + b",".join(parts) + b"]"
    answers = rows_of(ask(installation, key, body, media_type))
    assert [answer.get("outcome") for answer in answers] == ["release", None, "release", None, None, "release"]
    wrong = {answer["row"]: answer["error"] for answer in answers if "error" in answer}
    assert {row: (error["status"], error["code"]) for row, error in wrong.items()} == {
        1: (422, "InputInvalid"),
        3: (400, "InputMalformed"),
        4: (413, "BodyTooLarge"),
    }
    assert {fault["field"] for fault in wrong[1]["errors"]} == {"input.payment_id", "input.account", "input.amount"}
    assert len(ids(installation)) == 3


def test_where_an_array_breaks_off_is_said_after_the_answers_to_what_came_before(installation: Installation) -> None:
    key = installation.key("bank", CALLER)
    answers = rows_of(ask(installation, key, json.dumps([payment(1), payment(2)])[:-1].encode() + b",]", JSON))
    assert [answer.get("outcome") for answer in answers] == ["release", "release", None]
    assert (answers[2]["row"], answers[2]["error"]["code"]) == (2, "BatchMalformed")


@pytest.mark.parametrize(
    ("content", "headers", "status", "code"),
    [
        (b"{}", {"Content-Type": JSON}, 400, "BatchMalformed"),
        (b"", {"Content-Type": JSON}, 400, "BatchMalformed"),
        (b"a,b", {"Content-Type": "text/csv"}, 415, "MediaTypeUnsupported"),
        (b"\0" * 20, {"Content-Type": ARROW}, 400, "BatchMalformed"),
        (b"{}", {"Content-Type": NDJSON, "Idempotency-Key": "a b"}, 422, "HeaderInvalid"),
        (b"{}", {"Content-Type": NDJSON, "X-Correlation-ID": "a b"}, 422, "HeaderInvalid"),
        (b"{}", {"Content-Type": NDJSON, "Andon-Notify": "bank"}, 422, "HeaderInvalid"),
        (b"{}", {"Content-Type": NDJSON, "Andon-Model-Version": "1"}, 403, "Forbidden"),
        (b"{}", {"Content-Type": NDJSON, "X-Request-Timeout": "5"}, 422, "HeaderInvalid"),
        (b"{}", {"Content-Type": NDJSON, "Content-Encoding": "gzip"}, 415, "MediaTypeUnsupported"),
    ],
)
def test_what_is_wrong_with_the_call_is_a_problem_and_nothing_is_decided(
    installation: Installation, content: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    response = call(installation, "POST", BATCH, installation.key("bank", CALLER), content=content, headers=headers)
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert response.headers["Content-Type"] == "application/problem+json"
    assert ids(installation) == set()


def test_a_version_that_does_not_answer_here_is_told_once(installation: Installation) -> None:
    owner = installation.key("tester", Grant(Role.OWNER))
    response = ask(installation, owner, lines([payment(1), payment(2)]), Andon_Model_Version="9")
    assert (response.status_code, response.json()["code"]) == (404, "VersionNotServed")


def test_bad_rows_count_against_the_rate_and_leave_their_turn_to_others(installation: Installation) -> None:
    headers = {"Authorization": f"Bearer {installation.key('bank', CALLER)}", "Content-Type": NDJSON}
    turns = 0

    async def batch(client: httpx.AsyncClient) -> list[dict[str, Any]]:
        asked = asyncio.ensure_future(client.post(BATCH, content=b"{}\n" * 300, headers=headers))
        nonlocal turns
        while not asked.done():
            await asyncio.sleep(0)
            turns += 1
        return rows_of(await asked)

    assert {answer["error"]["code"] for answer in calling(installation, batch)} == {"InputInvalid"}
    assert turns >= 300
    began = time.monotonic()
    assert len(calling(installation, batch, burst=150, rate_per_minute=60_000)) == 300
    assert time.monotonic() - began > 150 / 1_000


def test_only_who_may_decide_there_may_send_a_batch(installation: Installation) -> None:
    stranger = installation.key("stranger", Grant(Role.OWNER, "other"))
    body = lines([payment()])
    assert ask(installation, stranger, body).status_code == 403
    assert call(installation, "POST", BATCH, None, content=body).status_code == 401
    assert call(installation, "GET", BATCH, stranger).status_code == 405
    assert ids(installation) == set()


def test_no_rows_are_no_answers(installation: Installation) -> None:
    key = installation.key("bank", CALLER)
    assert ask(installation, key, b" [ ] ", JSON).json() == []
    assert ask(installation, key, b"\n\n", NDJSON).content == b""


def test_the_same_batch_again_decides_nothing_and_gets_the_first_answers(installation: Installation) -> None:
    key = installation.key("bank", CALLER)
    given = [payment(n) for n in range(300)]
    first = rows_of(ask(installation, key, lines(given[:200]), Idempotency_Key="run-1"))
    again = rows_of(ask(installation, key, lines(given), Idempotency_Key="run-1"))
    assert [answer["id"] for answer in again[:200]] == [answer["id"] for answer in first]
    assert ids(installation) == {answer["id"] for answer in again}
    assert len(again) == 300
    other = rows_of(ask(installation, key, lines([payment(7), *given[1:3]]), Idempotency_Key="run-1"))
    assert (other[0]["row"], other[0]["error"]["code"]) == (0, "KeyReused")
    assert [answer["id"] for answer in other[1:]] == [answer["id"] for answer in first[1:3]]
    assert len(ids(installation)) == 300


def test_two_of_the_same_batch_at_once_decide_each_row_once(installation: Installation) -> None:
    key = installation.key("bank", CALLER)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": NDJSON, "Idempotency-Key": "run-1"}
    body = lines([payment(n) for n in range(200)])

    async def both(client: httpx.AsyncClient) -> list[list[str]]:
        found = await asyncio.gather(*(client.post(BATCH, content=body, headers=headers) for _ in range(2)))
        return [[row["id"] for row in rows_of(response)] for response in found]

    one, other = calling(installation, both)
    assert one == other
    assert ids(installation) == set(one)


def test_rows_wait_for_the_rate_and_for_places_instead_of_failing(installation: Installation) -> None:
    key = installation.key("bank", CALLER)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": NDJSON}

    async def batch(client: httpx.AsyncClient) -> list[dict[str, Any]]:
        return rows_of(await client.post(BATCH, content=lines([payment(n) for n in range(40)]), headers=headers))

    answers = calling(installation, batch, burst=10, rate_per_minute=1200, max_in_flight=2)
    assert {answer.get("outcome") for answer in answers} == {"release"}
    assert len(ids(installation)) == 40


def test_a_gateway_that_shuts_down_says_from_which_row_on_it_decided_nothing(installation: Installation) -> None:
    key = installation.key("bank", CALLER)
    gateway, side = installation.gateway()

    async def rows() -> AsyncIterator[bytes]:
        yield lines([payment(1), payment(2)])
        gateway.hurried = True
        yield lines([payment(3), payment(4)])

    async def run() -> list[dict[str, Any]]:
        transport = httpx.ASGITransport(create_app(gateway, side))  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
            headers = {"Authorization": f"Bearer {key}", "Content-Type": NDJSON}
            answers = rows_of(await client.post(BATCH, content=rows(), headers=headers))
        await gateway.decider.close()
        return answers

    answers = asyncio.run(run())
    assert answers[-1]["error"]["code"] == "NotReady"
    assert answers[-1]["row"] == len(answers) - 1 == len(ids(installation))


def test_one_key_has_only_so_many_batches_under_way(installation: Installation) -> None:
    key, other = installation.key("bank", CALLER), installation.key("branch", CALLER)

    async def work(client: httpx.AsyncClient) -> list[int]:
        held = asyncio.Event()

        async def slowly() -> AsyncIterator[bytes]:
            yield lines([payment(1)])
            await held.wait()

        async def send(by: str, content: Any) -> httpx.Response:
            headers = {"Authorization": f"Bearer {by}", "Content-Type": NDJSON}
            return await client.post(BATCH, content=content, headers=headers)

        open_ones = [asyncio.create_task(send(key, slowly())) for _ in range(2)]
        await asyncio.sleep(0)
        refused = await send(key, lines([payment(2)]))
        while refused.status_code == 200:
            refused = await send(key, lines([payment(2)]))
        assert refused.json()["code"] == "RateLimited"
        answered = await send(other, lines([payment(3)]))
        held.set()
        ended = [(await one).status_code for one in open_ones]
        again = await send(key, lines([payment(4)]))
        return [refused.status_code, answered.status_code, *ended, again.status_code]

    assert calling(installation, work, batches_per_key=2) == [429, 200, 200, 200, 200]
