"""Deadlines, overload and pinned versions as callers meet them over HTTP."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from andon.access import Grant, Role
from andon.gateway import Gateway, create_app
from andon.serving import PredictionTimedOut
from arms import Elsewhere, arm, line_of, says, traffic
from automations import an_automation, payment
from calls import DECIDE, call
from lines import CALLER, Installation, register_champion
from packages import a_package


def late() -> Exception:
    return PredictionTimedOut("no answer in time")


def recorded(installation: Installation) -> int:
    with installation.database.begin() as tx:
        return int(tx.execute(text("SELECT count(*) FROM decisions")).scalar_one())


def with_arm(
    installation: Installation, loaded: Any, work: Callable[[httpx.AsyncClient, Gateway], Awaitable[None]]
) -> None:
    """Run `work` with a client of a gateway on which this version answers for payments."""

    async def run() -> None:
        given = traffic(arm(1, loaded))
        line = line_of(an_automation(windows=False), given)
        installation.deployment.lines = {"payments": line}
        gateway, side = installation.gateway()
        transport = httpx.ASGITransport(create_app(gateway, side), raise_app_exceptions=False)  # type: ignore[arg-type]
        try:
            async with asyncio.timeout(30), httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
                await work(client, gateway)
        finally:
            await gateway.decider.close()

    asyncio.run(run())


def test_work_whose_caller_is_gone_is_not_predicted_and_the_answer_is_504(installation: Installation) -> None:
    key = installation.key("bank", CALLER)
    busy = Elsewhere(says(0.1), late=late, capacity=1, max_batch=1)

    async def work(client: httpx.AsyncClient, gateway: Gateway) -> None:
        busy.open.clear()
        headers = {"Authorization": f"Bearer {key}"}
        first = asyncio.create_task(client.post(DECIDE, json=payment(1), headers=headers))
        while not busy.under_way:
            await asyncio.sleep(0)
        second = asyncio.create_task(
            client.post(DECIDE, json=payment(2), headers=headers | {"X-Request-Timeout": "0.05"})
        )
        while not gateway.decider.waiting:
            await asyncio.sleep(0)
        await asyncio.sleep(0.06)
        busy.open.set()
        assert (await first).status_code == 200
        answer = await second
        assert (answer.status_code, answer.json()["code"]) == (504, "DeadlineExceeded")
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert gateway.metrics.refused.counts == {("payments", "deadline"): 1}

    with_arm(installation, busy, work)
    assert busy.asked == [1]
    assert recorded(installation) == 1


def test_who_cannot_be_answered_in_time_gets_503_and_when_to_come_again(installation: Installation) -> None:
    key = installation.key("bank", CALLER)
    busy = Elsewhere(says(0.1), late=late, capacity=1)

    async def work(client: httpx.AsyncClient, gateway: Gateway) -> None:
        headers = {"Authorization": f"Bearer {key}"}

        def ask(**more: str) -> Awaitable[httpx.Response]:
            return client.post(DECIDE, json=payment(), headers=headers | more)

        for _ in range(3):
            busy.open.clear()
            batch = [asyncio.create_task(_of(ask())) for _ in range(64)]
            while not busy.under_way:
                await asyncio.sleep(0)
            await asyncio.sleep(0.2)  # what a batch takes
            busy.open.set()
            await asyncio.gather(*batch)
        busy.open.clear()
        waiting = [asyncio.create_task(_of(ask())) for _ in range(200)]
        while busy.under_way + gateway.decider.waiting < 200 - busy.max_batch:
            await asyncio.sleep(0)
        refused = await ask(**{"X-Request-Timeout": "0.2"})
        busy.open.set()
        assert {answer.status_code for answer in await asyncio.gather(*waiting)} == {200}
        assert (refused.status_code, refused.json()["code"]) == (503, "LineBusy")
        assert int(refused.headers["Retry-After"]) >= 1
        assert refused.headers["Content-Type"] == "application/problem+json"

    with_arm(installation, busy, work)


@pytest.mark.parametrize(
    "headers",
    [{"X-Request-Timeout": "soon"}, {"X-Request-Timeout": "0"}, {"Andon-Model-Version": "newest"}],
    ids=lambda given: " ".join(given.values()),
)
def test_a_header_that_cannot_be_understood_is_refused_before_anything_is_decided(
    installation: Installation, headers: dict[str, str]
) -> None:
    key = installation.key("tester", Grant(Role.ADMIN))
    refused = call(installation, "POST", DECIDE, key, json=payment(), headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (422, "HeaderInvalid")
    assert recorded(installation) == 0


def test_a_version_is_pinned_by_who_may_and_only_one_that_answers_here(
    installation: Installation, tmp_path: Path
) -> None:
    register_champion(installation.database, a_package(tmp_path / "second", seed=2))
    installation.deployment.refresh()
    tester, caller = installation.key("tester", Grant(Role.ADMIN)), installation.key("bank", CALLER)

    def pinned(key: str, version: str, **more: str) -> httpx.Response:
        headers = {"Andon-Model-Version": version, **more}
        return call(installation, "POST", DECIDE, key, json=payment(), headers=headers)

    assert pinned(tester, "2").json()["model"]["version"] == 2
    gone, forbidden = pinned(tester, "1"), pinned(caller, "2")
    assert (gone.status_code, gone.json()["code"]) == (404, "VersionNotServed")
    assert (forbidden.status_code, forbidden.json()["code"]) == (403, "Forbidden")
    assert recorded(installation) == 1


def test_a_pinned_version_cannot_be_asked_for_later(installation: Installation) -> None:
    key = installation.key("tester", Grant(Role.ADMIN))
    headers = {"Andon-Model-Version": "1", "Prefer": "respond-async"}
    refused = call(installation, "POST", DECIDE, key, json=payment(), headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (422, "HeaderInvalid")


async def _of(answer: Awaitable[httpx.Response]) -> httpx.Response:
    return await answer
