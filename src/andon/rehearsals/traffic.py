"""Recorded calls as load: sent over HTTP in their recorded rhythm, whether or not the gateway keeps up."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from datetime import timedelta
from time import perf_counter
from typing import Any

from andon.kernel.addresses import AddressRefused
from andon.kernel.http import HttpOrigin, NoAnswer, NotSent, Response, UrlInvalid, request_of
from andon.rehearsals.domain import RecordedCall, TrafficReport
from andon.rehearsals.errors import TargetUnusable

MOST_IN_FLIGHT = 256
"""The most calls under way. Beyond that the next ones are late, and the report says so."""

PATIENCE = timedelta(seconds=30)

Sent = Callable[[int], None]


class TrafficTarget:
    """The decide route of one automation at a gateway, and the key that opens it. Raises TargetUnusable."""

    def __init__(self, url: str, automation: str, key: str) -> None:
        self.url = f"{url.rstrip('/')}/v1/automations/{automation}/decisions"
        try:
            self._origin = HttpOrigin(self.url, allow_private=True)
        except UrlInvalid as error:
            raise TargetUnusable(f"{url} cannot be called: {error}") from None
        self._headers = {
            "Host": self._origin.authority,
            "Authorization": f"Bearer {key}",
            "Content-Type": "application/json",
        }

    async def ask(self, body: bytes, **headers: str) -> Response:
        """Make one call. Raises NotSent, NoAnswer, AddressRefused."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = request_of("POST", self._origin.target, self._headers | named, body)
        return await self._origin.send(request, within=PATIENCE, whole=True)

    async def check(self) -> None:
        """Check that a gateway answers and accepts the key, with a call that decides nothing. Raises TargetUnusable."""
        try:
            answer = await self.ask(b"")
        except (NotSent, NoAnswer, AddressRefused) as error:
            raise TargetUnusable(f"Nothing answers at {self.url}: {error}") from error
        if answer.status in (401, 403, 404):
            raise TargetUnusable(f"{self.url} answered {answer.status}: {_content(answer).get('code', '')}")

    async def close(self) -> None:
        """Close all connections."""
        await self._origin.close()


async def send_traffic(
    pages: Iterator[Sequence[RecordedCall]], target: TrafficTarget, *, run: str, pace: float, sent: Sent
) -> TrafficReport:
    """Send all calls, `pace` times as fast as they were recorded.

    Each call has an idempotency key of this `run`, so that no gateway takes it for the recorded one. `pages` is read
    ahead in a thread.
    """
    report, seats = TrafficReport(), asyncio.Semaphore(MOST_IN_FLIGHT)
    try:
        await target.check()
        async with asyncio.TaskGroup() as calls:

            async def ask(call: RecordedCall) -> None:
                try:
                    await _ask(target, run, call, report)
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
    finally:
        await target.close()
    return report


async def _ask(target: TrafficTarget, run: str, call: RecordedCall, report: TrafficReport) -> None:
    began, name = perf_counter(), f"{run}/{call.decision_id}"
    try:
        answer = await target.ask(call.body, Idempotency_Key=name, X_Correlation_ID=name)
    except (NotSent, NoAnswer, AddressRefused) as error:
        report.failures[str(error)] += 1
        return
    report.latencies.append(perf_counter() - began)
    content = _content(answer)
    if answer.status == 200:
        report.outcomes[call.outcome, str(content.get("outcome"))] += 1
    else:
        report.failures[f"{answer.status} {content.get('code', '')}".strip()] += 1


async def _read_ahead(pages: Iterator[Sequence[RecordedCall]]) -> AsyncIterator[RecordedCall]:
    """Yield the calls of all pages. The next page is read while the calls of one are sent."""
    following = asyncio.ensure_future(asyncio.to_thread(next, pages, None))
    try:
        while (page := await following) is not None:
            following = asyncio.ensure_future(asyncio.to_thread(next, pages, None))
            for call in page:
                yield call
    finally:
        following.cancel()


def _content(answer: Response) -> dict[str, Any]:
    """Read the JSON document of an answer; an empty one if it is not JSON."""
    try:
        content: Any = json.loads(answer.body)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}
