"""The people of the review queue: they choose the team of a mail, and read and approve answers before they are sent."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from andon_demo.bank.session import Session
from andon_demo.line import LineFailed
from andon_demo.mails import BankMail
from andon_demo.triage.traffic import MailTraffic

LIST = "/v1/reviews?state=open&limit=100"
PAUSE = 0.2
FAULTS = 10
"""Calls in a row that may go unanswered on a busy machine."""


@dataclass(slots=True)
class Reviewers:
    """One desk.

    `given` counts verdicts on mails, `approved` answers to send, `by_hand` cards blocked by hand, `left` the questions
    about actions with an unknown outcome, which nobody at this desk can check.
    """

    url: str
    key: str
    traffic: MailTraffic
    given: int = 0
    approved: int = 0
    by_hand: int = 0
    left: int = 0
    _faults: int = 0
    _stopped: bool = False

    def stop(self) -> None:
        """End `run` soon."""
        self._stopped = True

    async def run(self) -> None:
        """Work until stopped. Raises LineFailed."""
        session = Session(self.url, self.key)
        while not self._stopped:
            listed = await self._listed(session)
            self.left = sum(one["action_id"] is not None for one in listed)
            ready = [one for one in listed if one["action_id"] is None and self._mail_of(one) is not None]
            for review in ready:
                await self._tried(session, review)
            if not ready:
                await asyncio.sleep(PAUSE)
        session.close()

    async def _listed(self, session: Session) -> list[dict[str, Any]]:
        try:
            found: list[dict[str, Any]] = (await session.call("GET", LIST))["reviews"]
        except LineFailed:
            self._faults += 1
            if self._faults > FAULTS:
                raise
            return []
        return found

    async def _tried(self, session: Session, review: Mapping[str, Any]) -> None:
        """Decide a review; one that gets no answer in time is listed again. Raises LineFailed after many."""
        try:
            await self._decide(session, review)
            self._faults = 0
        except LineFailed:
            self._faults += 1
            if self._faults > FAULTS:
                raise

    async def _decide(self, session: Session, review: Mapping[str, Any]) -> None:
        outcome = self._answer(review)
        await session.call("POST", f"/v1/reviews/{review['id']}/claim")
        await session.call("POST", f"/v1/reviews/{review['id']}/verdict", {"outcome": outcome, "reason": "I read it"})

    def _answer(self, review: Mapping[str, Any]) -> str:
        mail = self._mail_of(review)
        assert mail is not None
        if "send" in review["outcomes"]:
            self.approved += 1
            return "send"
        if "blocked" in review["outcomes"]:
            self.by_hand += 1
            return "blocked"
        self.given += 1
        blocks = mail.truth.blocked_card is not None and mail.truth.follows is None and mail.truth.team == "cards"
        return "block-card" if blocks else mail.truth.team

    def _mail_of(self, review: Mapping[str, Any]) -> BankMail | None:
        decided = self.traffic.ledger.by_decision.get(str(review["decision_id"]))
        return None if decided is None else self.traffic.sent.get(decided.message_id)
