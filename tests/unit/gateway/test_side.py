"""Health and metrics of a worker, without FastAPI: the same answers as a gateway's."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime

import httpx
import pytest

from andon.access import KeyRing
from andon.gateway import Side, create_side
from andon.kernel.metrics import Metrics


class FixedClock:
    def now(self) -> datetime:
        return datetime(2026, 11, 1, tzinfo=UTC)


def ask(method: str, path: str, problems: Mapping[str, str]) -> httpx.Response:
    app = create_side(Side(KeyRing(b"pepper"), FixedClock(), Metrics(), lambda: problems))

    async def sent() -> httpx.Response:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://worker") as client:
            return await client.request(method, path)

    return asyncio.run(sent())


@pytest.mark.parametrize(("path", "status"), [("/livez", "ok"), ("/readyz", "ready"), ("/startupz", "ready")])
def test_a_sound_process_says_so(path: str, status: str) -> None:
    answer = ask("GET", path, {})
    assert (answer.status_code, answer.json()) == (200, {"status": status})
    assert answer.headers["cache-control"] == "no-store"


def test_what_is_not_ready_is_named() -> None:
    answer = ask("GET", "/readyz", {"database": "PostgreSQL does not answer"})
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    assert answer.json() == {"status": "not ready", "problems": {"database": "PostgreSQL does not answer"}}


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/metrics", 401), ("GET", "/v1/keys", 404), ("PUT", "/livez", 405)]
)
def test_everything_else_is_refused_with_a_problem_document(method: str, path: str, status: int) -> None:
    answer = ask(method, path, {})
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
