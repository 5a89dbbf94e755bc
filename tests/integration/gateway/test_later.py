"""Requests that are decided later: waited for, told to a destination, and why not for as long as is set."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, TypeVar

import httpx
import pytest
from pydantic import SecretStr
from pydantic_core import to_json
from sqlalchemy import text

from andon import decisions
from andon.actions import Deliveries, Destination
from andon.connectors.webhook import WebhookConnector
from andon.gateway import create_app
from andon.kernel.config import DestinationSettings as DestinationSettings
from andon.kernel.db import OVER
from andon.kernel.events import Events
from andon.kernel.listening import listen
from andon.streams import Intake
from automations import payment
from calls import DECIDE
from lines import CALLER, Installation
from receiver import SECRET, Receiver

T = TypeVar("T")
LATER = {"Prefer": "respond-async"}


def with_worker(
    installation: Installation, work: Callable[[httpx.AsyncClient, Intake], Awaitable[T]], *, hears: bool = True
) -> T:
    """Run `work` with a client of a gateway that hears what the database announces, and an intake beside it."""

    async def run() -> T:
        gateway, side = installation.gateway()
        gateway.settings = gateway.settings.model_copy(
            update={
                "destinations": {
                    "bank": DestinationSettings(url="http://127.0.0.1:9"),
                    "caller": DestinationSettings(url="http://127.0.0.1:9", notify=True),
                }
            }
        )
        decider = installation.decider()
        intake = Intake(installation.database, installation.deployment, decider, installation.clock, Events())
        listening = asyncio.Event()

        async def heard(payload: str) -> None:
            listening.set()
            await gateway.waiters.heard(payload)

        listener = asyncio.create_task(listen(installation.database, heard, channel=OVER)) if hears else None
        if hears:
            await listening.wait()
        headers = {"Authorization": f"Bearer {installation.key('bank', CALLER)}"}
        with installation.database.begin() as tx:
            gateway.keys.refresh(tx, installation.clock.now())
        transport = httpx.ASGITransport(create_app(gateway, side))  # type: ignore[arg-type]
        try:
            async with httpx.AsyncClient(transport=transport, base_url="http://gateway", headers=headers) as client:
                return await work(client, intake)
        finally:
            if listener is not None:
                listener.cancel()
            await decider.close()
            await gateway.decider.close()

    return asyncio.run(run())


async def accepted(client: httpx.AsyncClient, body: Any = None, **headers: str) -> str:
    response = await client.post(DECIDE, json=body or payment(), headers={**LATER, **headers})
    assert response.status_code == 202, response.text
    return response.headers["Location"]


@pytest.mark.parametrize("asking", [{"params": {"wait": 20}}, {"headers": {"Prefer": "wait=20"}}])
def test_who_waits_hears_as_soon_as_it_is_decided(installation: Installation, asking: dict[str, Any]) -> None:
    async def work(client: httpx.AsyncClient, intake: Intake) -> tuple[httpx.Response, float]:
        location = await accepted(client)
        waiting = asyncio.create_task(client.get(location, **asking))
        done, _ = await asyncio.wait({waiting}, timeout=0.3)
        assert not done
        assert await intake.run_round() == 1
        began = time.monotonic()
        return await waiting, time.monotonic() - began

    response, seconds = with_worker(installation, work)
    assert (response.status_code, response.json()["status"], response.json()["outcome"]) == (200, "decided", "release")
    assert seconds < 5


def test_when_the_time_is_up_it_is_still_pending(installation: Installation) -> None:
    async def work(client: httpx.AsyncClient, intake: Intake) -> list[httpx.Response]:
        location = await accepted(client)
        return [await client.get(location, params={"wait": wait}) for wait in ("0.2", "61", "-1", "soon")]

    *_, first = reversed(responses := with_worker(installation, work))
    assert (first.status_code, first.json()["status"], first.headers["Retry-After"]) == (202, "pending", "1")
    assert [response.status_code for response in responses[1:]] == [422, 422, 422]


def test_what_is_decided_already_is_not_waited_for(installation: Installation) -> None:
    async def work(client: httpx.AsyncClient, intake: Intake) -> list[int]:
        decided = (await client.post(DECIDE, json=payment())).headers["Location"]
        unknown = decided[:-1] + ("0" if decided[-1] != "0" else "1")
        return [(await client.get(where, params={"wait": 60})).status_code for where in (decided, unknown)]

    assert with_worker(installation, work, hears=False) == [200, 404]


def test_a_request_that_cannot_be_decided_wakes_who_waits_and_is_told_for_as_long_as_is_set(
    installation: Installation,
) -> None:
    async def work(client: httpx.AsyncClient, intake: Intake) -> tuple[dict[str, Any], int, int]:
        location = await accepted(client)
        with installation.database.begin() as tx:
            tx.execute(text("UPDATE intake SET raw = '{}'"))
        waiting = asyncio.create_task(client.get(location, params={"wait": 20}))
        await asyncio.wait({waiting}, timeout=0.1)
        await intake.run_round()
        told = (await waiting).json()
        statuses = []
        for later in (timedelta(days=6), timedelta(days=8)):
            with installation.database.begin() as tx:
                decisions.keep_house(tx, installation.clock.now() + later, failed_kept=timedelta(days=7))
            statuses.append((await client.get(location)).status_code)
        return told, *statuses

    told, before, after = with_worker(installation, work)
    assert told["status"] == "failed"
    assert "the contract has changed" in told["error"]
    assert (before, after) == (200, 404)


def test_the_whole_answer_is_brought_to_the_destination_that_was_named_signed_and_under_its_key(
    installation: Installation,
) -> None:
    async def work(client: httpx.AsyncClient, intake: Intake) -> tuple[str, str]:
        good = await accepted(client, payment(1, amount=290.0), **{"Andon-Notify": "caller", "X-Correlation-ID": "one"})
        bad = await accepted(client, payment(2), **{"Andon-Notify": "caller", "X-Correlation-ID": "two"})
        with installation.database.begin() as tx:
            tx.execute(text("UPDATE intake SET raw = '{}' WHERE correlation_id = 'two'"))
        await intake.run_round()
        return good.rpartition("/")[2], bad.rpartition("/")[2]

    good, bad = with_worker(installation, work)
    with Receiver() as receiver:
        asyncio.run(deliver(installation, receiver.url))
        told = {delivery.event["type"]: delivery.event["data"] for delivery in receiver.received.values()}
        assert receiver.forged == 0
        with installation.database.begin() as tx:
            keys = set(tx.execute(text("SELECT id::text FROM outbox WHERE payload ->> 'action' = 'notify'")).scalars())
        assert set(receiver.received) == keys
    assert told["decision.decided"]["id"] == good
    assert (told["decision.decided"]["outcome"], told["decision.decided"]["input"]["amount"]) == ("review", 290.0)
    assert (told["decision.failed"]["id"], told["decision.failed"]["correlation_id"]) == (bad, "two")


async def deliver(installation: Installation, url: str) -> None:
    connector = WebhookConnector(installation.clock)
    caller = Destination("caller", url, secrets=(SecretStr(SECRET),), allow_private=True)
    deliveries = Deliveries(
        installation.database, {"webhook": connector}, {"caller": caller}, installation.clock, events=Events()
    )
    while await deliveries.run_round():
        pass
    await deliveries.close()


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ({**LATER, "Andon-Notify": "bank"}, "notify = true"),
        ({**LATER, "Andon-Notify": "elsewhere"}, "notify = true"),
        ({**LATER, "Andon-Notify": "http://127.0.0.1/"}, "notify = true"),
        ({"Andon-Notify": "caller"}, "respond-async"),
    ],
)
def test_only_what_is_open_for_it_can_be_named(installation: Installation, headers: dict[str, str], said: str) -> None:
    async def work(client: httpx.AsyncClient, intake: Intake) -> httpx.Response:
        return await client.post(DECIDE, json=payment(), headers=headers)

    response = with_worker(installation, work, hears=False)
    assert (response.status_code, response.json()["code"]) == (422, "HeaderInvalid")
    assert said in response.json()["detail"]
    with installation.database.begin() as tx:
        assert tx.execute(text("SELECT (SELECT count(*) FROM intake) + (SELECT count(*) FROM decisions)")).scalar() == 0


def test_the_key_of_what_waits_is_in_use_at_every_door(installation: Installation) -> None:
    key = {"Idempotency-Key": "once"}

    async def work(client: httpx.AsyncClient, intake: Intake) -> None:
        accepted = await client.post(DECIDE, json=payment(1), headers={**LATER, **key})
        assert accepted.status_code == 202
        for _ in range(2):
            waits = await client.post(DECIDE, json=payment(1), headers=key)
            assert (waits.status_code, waits.json()["code"], waits.headers["Retry-After"]) == (409, "KeyInFlight", "1")
        other = await client.post(DECIDE, json=payment(2), headers=key)
        assert (other.status_code, other.json()["code"]) == (422, "KeyReused")
        again = await client.post(DECIDE, json=payment(1), headers={**LATER, **key})
        assert (again.status_code, again.json()["id"]) == (202, accepted.json()["id"])
        assert await intake.run_round() == 1
        decided = await client.post(DECIDE, json=payment(1), headers=key)
        assert (decided.status_code, decided.headers["Idempotency-Replayed"]) == (200, "true")
        assert decided.json()["id"] == accepted.json()["id"]

    with_worker(installation, work)


def test_a_row_of_a_batch_does_not_take_the_key_of_what_waits(installation: Installation) -> None:
    async def work(client: httpx.AsyncClient, intake: Intake) -> None:
        accepted = await client.post(DECIDE, json=payment(1), headers={**LATER, "Idempotency-Key": "nightly/0"})
        rows = [payment(1), payment(2)]
        answers = (await client.post(f"{DECIDE}:batch", json=rows, headers={"Idempotency-Key": "nightly"})).json()
        assert [answer.get("error", {}).get("code") for answer in answers] == ["KeyInFlight", None]
        assert await intake.run_round() == 1
        answers = (await client.post(f"{DECIDE}:batch", json=rows, headers={"Idempotency-Key": "nightly"})).json()
        assert answers[0]["id"] == accepted.json()["id"]

    with_worker(installation, work)


def test_preferences_may_come_in_several_lines_in_any_letters(installation: Installation) -> None:
    async def work(client: httpx.AsyncClient, intake: Intake) -> None:
        lines = [("Prefer", "Respond-Async"), ("Prefer", "handling=lenient"), ("Content-Type", "application/json")]
        accepted = await client.post(DECIDE, content=to_json(payment(1)), headers=lines)
        assert (accepted.status_code, accepted.headers["Preference-Applied"]) == (202, "respond-async")
        lines = [("Prefer", "other"), ("Prefer", 'Wait = "1"')]
        began = time.monotonic()
        assert (await client.get(accepted.headers["Location"], headers=lines)).status_code == 202
        assert time.monotonic() - began >= 1

    with_worker(installation, work)
