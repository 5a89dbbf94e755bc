"""Recorded calls as load: sent over HTTP in their recorded rhythm, whether or not the gateway keeps up with them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from time import perf_counter
from typing import Any

import httpx

from andon.rehearsals.domain import RecordedCall, TrafficReport
from andon.rehearsals.errors import TargetInvalid

MOST_IN_FLIGHT = 256
"""Calls under way at most; beyond, the next ones are late, and the report says so."""

PATIENCE_SECONDS = 30.0

Sent = Callable[[int], None]


async def send_traffic(
    pages: Iterator[Sequence[RecordedCall]],
    *,
    url: str,
    key: str,
    run: str,
    pace: float,
    sent: Sent,
) -> TrafficReport:
    """Send all calls to the decide route at `url`, `pace` times as fast as they were recorded.

    Each goes under an idempotency key of this `run`, so that no call is taken for the one that was recorded.
    `pages` is read ahead in a thread.
    """
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    limits = httpx.Limits(max_connections=MOST_IN_FLIGHT, max_keepalive_connections=MOST_IN_FLIGHT)
    report, seats = TrafficReport(), asyncio.Semaphore(MOST_IN_FLIGHT)
    async with (
        httpx.AsyncClient(headers=headers, limits=limits, timeout=PATIENCE_SECONDS, trust_env=False) as client,
        asyncio.TaskGroup() as calls,
    ):

        async def ask(call: RecordedCall) -> None:
            try:
                await _ask(client, url, run, call, report)
            finally:
                seats.release()

        began, first = perf_counter(), None
        async for call in _read_ahead(pages):
            first = first or call.asked_at
            due = (call.asked_at - first).total_seconds() / pace
            report.planned_seconds = max(report.planned_seconds, due)
            if (wait := began + due - perf_counter()) > 0:
                await asyncio.sleep(wait)
            await seats.acquire()
            report.late_seconds = max(report.late_seconds, perf_counter() - began - due)
            report.sent += 1
            report.seconds = perf_counter() - began
            calls.create_task(ask(call))
            sent(1)
    return report


async def check_target(url: str, key: str) -> None:
    """See that a gateway answers at `url` and that the key opens its decide route. Raises TargetInvalid."""
    try:
        async with httpx.AsyncClient(trust_env=False, timeout=PATIENCE_SECONDS) as client:
            answer = await client.post(url, content=b"", headers={"Authorization": f"Bearer {key}"})
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise TargetInvalid(f"Nothing answers at {url}: {type(error).__name__}") from error
    if answer.status_code in (401, 403, 404):
        raise TargetInvalid(f"{url} answered {answer.status_code}: {_code_of(answer)}")


async def _ask(client: httpx.AsyncClient, url: str, run: str, call: RecordedCall, report: TrafficReport) -> None:
    began = perf_counter()
    headers = {"Idempotency-Key": f"{run}/{call.decision_id}", "X-Correlation-ID": f"{run}/{call.decision_id}"}
    try:
        answer = await client.post(url, content=call.body, headers=headers)
    except httpx.HTTPError as error:
        report.failures[type(error).__name__] += 1
        return
    report.latencies.append(perf_counter() - began)
    if answer.status_code == 200:
        report.outcomes[call.outcome, str(answer.json()["outcome"])] += 1
    else:
        report.failures[f"{answer.status_code} {_code_of(answer)}".strip()] += 1


async def _read_ahead(pages: Iterator[Sequence[RecordedCall]]) -> AsyncIterator[RecordedCall]:
    """The calls of all pages; the next page is read while those of one are sent."""
    following = asyncio.ensure_future(asyncio.to_thread(next, pages, None))
    try:
        while (page := await following) is not None:
            following = asyncio.ensure_future(asyncio.to_thread(next, pages, None))
            for call in page:
                yield call
    finally:
        following.cancel()


def _code_of(answer: httpx.Response) -> str:
    """The code in a problem document."""
    try:
        document: Any = answer.json()
    except ValueError:
        return ""
    return str(document.get("code", "")) if isinstance(document, dict) else ""
