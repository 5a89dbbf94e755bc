"""The people of the story: they work the review queue and the blind audits through the API, and are always right."""

import asyncio
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from benchmarks.line import LineFailed
from benchmarks.wire import Connection, request

AT_WORK = 4
"""People at work at the same time."""

LISTED = 200

PAUSE = 0.1
"""Seconds until the queue is looked at again when it is empty."""

REASON = "called the customer"


@dataclass(slots=True)
class People:
    """Reviewers who know the truth. `given` counts their verdicts: `review` or `audit`; `waiting` is the queue as they saw it last."""

    url: str
    key: str
    truth: Mapping[str, bool]
    given: Counter[str] = field(default_factory=Counter)
    frauds: Counter[str] = field(default_factory=Counter)
    waiting: int = 0
    _stopped: bool = False

    def stop(self) -> None:
        """Go home when the reviews in hand are done."""
        self._stopped = True

    async def run(self) -> None:
        """Work until stopped. Raises LineFailed when a call is refused."""
        reviews = asyncio.Queue[Mapping[str, Any]](LISTED)
        async with asyncio.TaskGroup() as group:
            workers = [group.create_task(self._work(reviews)) for _ in range(AT_WORK)]
            async with await Connection.to(self.url) as connection:
                while not self._stopped:
                    found = await self._asked(connection, "GET", f"/v1/reviews?state=open&limit={LISTED}")
                    ready = [one for one in found["reviews"] if one["decision_id"] in self.truth]
                    self.waiting = len(found["reviews"])
                    for review in ready:
                        await reviews.put(review)
                    await reviews.join()
                    if not ready:
                        await asyncio.sleep(PAUSE)
            for worker in workers:
                worker.cancel()

    async def _work(self, reviews: "asyncio.Queue[Mapping[str, Any]]") -> None:
        async with await Connection.to(self.url) as connection:
            while True:
                review = await reviews.get()
                try:
                    await self._decide(connection, review)
                finally:
                    reviews.task_done()

    async def _decide(self, connection: Connection, review: Mapping[str, Any]) -> None:
        fraud, blind = self.truth[review["decision_id"]], review["blind"]
        outcome = ("fraud" if fraud else "honest") if blind else ("pause" if fraud else "release")
        await self._asked(connection, "POST", f"/v1/reviews/{review['id']}/claim")
        verdict = {"outcome": outcome, "reason": REASON}
        await self._asked(connection, "POST", f"/v1/reviews/{review['id']}/verdict", verdict)
        kind = "audit" if blind else "review"
        self.given[kind] += 1
        self.frauds[kind] += fraud

    async def _asked(
        self, connection: Connection, method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        headers = {
            "Authorization": f"Bearer {self.key}",
            "Content-Type": "application/json",
            "Idempotency-Key": uuid4().hex,
        }
        sent = request(
            method, f"{self.url}{path}", headers=headers, body=b"" if body is None else json.dumps(body).encode()
        )
        answer = await connection.send(sent)
        if answer.status >= 300:
            raise LineFailed(f"{method} {path} answered {answer.status}: {answer.body[:500].decode(errors='replace')}")
        found: dict[str, Any] = json.loads(answer.body)
        return found
