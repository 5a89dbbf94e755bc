"""The people of the story: they work the review queue and the blind audits through the API, and are always right."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from andon_demo.bank.session import Session
from andon_demo.bank.traffic import Traffic

AT_WORK = 8
"""People at work at the same time."""

LISTED = 100

PAUSE = 0.1
"""Seconds until an empty queue is read again."""

REASON = "called the customer"


@dataclass(slots=True)
class People:
    """Reviewers who know the truth.

    `given` counts their verdicts: `review` or `audit`; `stopped` the frauds that they paused, by channel.
    """

    url: str
    key: str
    traffic: Traffic
    given: Counter[str] = field(default_factory=Counter)
    stopped: Counter[str] = field(default_factory=Counter)
    _stopped: bool = False

    def stop(self) -> None:
        """Stop when the reviews in hand are done."""
        self._stopped = True

    async def run(self) -> None:
        """Work until stopped. Raises LineFailed when a call is refused."""
        reviews = asyncio.Queue[Mapping[str, Any]](LISTED)
        working = [asyncio.create_task(self._work(reviews)) for _ in range(AT_WORK)]
        listing = asyncio.create_task(self._list(reviews))
        try:
            await asyncio.wait([listing, *working], return_when=asyncio.FIRST_COMPLETED)
            for task in (listing, *working):
                if task.done():
                    task.result()
        finally:
            for task in (listing, *working):
                task.cancel()
            await asyncio.gather(listing, *working, return_exceptions=True)

    async def _list(self, reviews: "asyncio.Queue[Mapping[str, Any]]") -> None:
        session = Session(self.url, self.key)
        while not self._stopped:
            found = await session.call("GET", f"/v1/reviews?state=open&limit={LISTED}")
            ready = [one for one in found["reviews"] if one["decision_id"] in self.traffic.sent]
            self.traffic.listed(len(found["reviews"]))
            for review in ready:
                await reviews.put(review)
            await reviews.join()
            if not ready:
                await asyncio.sleep(PAUSE)
        session.close()

    async def _work(self, reviews: "asyncio.Queue[Mapping[str, Any]]") -> None:
        session = Session(self.url, self.key)
        while True:
            review = await reviews.get()
            await self._decide(session, review)
            reviews.task_done()

    async def _decide(self, session: Session, review: Mapping[str, Any]) -> None:
        transfer, blind = self.traffic.sent[review["decision_id"]], review["blind"]
        fraud = transfer.fraud
        outcome = ("fraud" if fraud else "honest") if blind else ("pause" if fraud else "release")
        await session.call("POST", f"/v1/reviews/{review['id']}/claim")
        await session.call("POST", f"/v1/reviews/{review['id']}/verdict", {"outcome": outcome, "reason": REASON})
        kind = "question" if review["question"] else "audit" if blind else "review"
        self.given[kind] += 1
        if not blind:
            self.traffic.reviewed()
        if fraud and not blind:
            self.stopped[transfer.channel] += 1
