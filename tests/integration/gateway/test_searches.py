"""Searches: an id is found by its key; any other search is bounded and keeps nobody else from an answer."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

import httpx
import psycopg
import pytest

from andon.access import Grant, Role
from andon.kernel import searches
from automations import payment
from calls import DECIDE, call, calling
from lines import CALLER, Installation

MANY = 30


@contextmanager
def held(installation: Installation) -> Iterator[None]:
    """Keep everybody from reading decisions, so that a search takes as long as it may."""
    with psycopg.connect(installation.database.url) as holder:
        holder.execute("LOCK TABLE decisions IN ACCESS EXCLUSIVE MODE")
        yield


def test_a_decision_is_found_by_its_id_and_its_correlation_id(installation: Installation) -> None:
    key = installation.key("ada", CALLER, Grant(Role.OWNER, None))
    headers = {"X-Correlation-ID": "order-7"}
    made = call(installation, "POST", DECIDE, key, json=payment(), headers=headers).json()
    for search in (made["id"], made["id"].upper(), "order-7"):
        found = call(installation, "GET", "/v1/decisions", key, params={"search": search}).json()["decisions"]
        assert [one["id"] for one in found] == [made["id"]]
    other = {"search": made["id"], "outcome": "nothing"}
    assert call(installation, "GET", "/v1/decisions", key, params=other).json()["decisions"] == []


def test_searches_that_take_long_are_refused_and_keep_nobody_from_other_routes(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searches, "SECONDS", 0.5)
    key = installation.key("ada", Grant(Role.OWNER, None))
    headers = {"Authorization": f"Bearer {key}"}

    async def work(client: httpx.AsyncClient) -> tuple[list[httpx.Response], float]:
        asked = [
            asyncio.create_task(client.get("/v1/decisions", params={"search": "order-7"}, headers=headers))
            for _ in range(MANY)
        ]
        await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
        began = perf_counter()
        assert (await client.get("/v1/keys", headers=headers)).status_code in (200, 403)
        assert (await client.get("/livez")).status_code == 200
        passed = perf_counter() - began
        return await asyncio.gather(*asked), passed

    with held(installation):
        answers, passed = calling(installation, work)
    assert passed < 0.5
    codes = sorted(f"{answer.status_code} {answer.json()['code']}" for answer in answers)
    assert codes == ["422 SearchTooWide"] * searches.MOST_WAITING + ["503 SearchesBusy"] * (
        MANY - searches.MOST_WAITING
    )
