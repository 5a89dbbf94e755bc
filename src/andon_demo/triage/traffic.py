"""The mails of the story: they arrive in the bank's mailbox, and the result of each is recorded."""

import asyncio
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime

from andon_demo.mails import NEW_TEAM, BankMail, Mails
from andon_demo.postoffice import Mailbox
from andon_demo.triage.ledger import DecidedMail, MailLedger

PER_SECOND = 4.0
SEED = 2
BACKLOG = 60
"""The number of unfinished mails at which sending pauses."""

TEAM_OF_OUTCOME = {"block-card": "cards"}
"""The teams of outcomes that have another name."""


@dataclass(slots=True)
class MailTally:
    """Mails of one part of the story: those decided, the automatic ones, and the wrong ones of these.

    `new` are mails about the new product, `new_automatic` the automatic ones of them, `new_right` those of these that
    reached its desk.
    """

    decided: int = 0
    automatic: int = 0
    errors: int = 0
    new: int = 0
    new_automatic: int = 0
    new_right: int = 0

    @property
    def error(self) -> float:
        """The error of the automatic part."""
        return self.errors / max(self.automatic, 1)

    @property
    def share(self) -> float:
        """The automatic share."""
        return self.automatic / max(self.decided, 1)


@dataclass(slots=True)
class MailTraffic:
    """Delivers mails until it is stopped or `closed`. `sent` has every mail by its Message-ID."""

    mailbox: Mailbox
    ledger: MailLedger
    new_product: bool = False
    closed: bool = False
    sent: dict[str, BankMail] = field(default_factory=dict)
    sent_at: dict[str, datetime] = field(default_factory=dict)
    decided: list[DecidedMail] = field(default_factory=list)
    finished: int = 0
    """Mails that a team has finished."""
    _known: set[str] = field(default_factory=set)
    _stopped: bool = False

    def stop(self) -> None:
        """Deliver nothing more."""
        self._stopped = True

    async def run(self) -> None:
        """Deliver mails. Raises LineFailed."""
        mails, due = Mails(SEED), time.monotonic()
        while not self._stopped:
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            due = max(due + 1 / PER_SECOND, time.monotonic() - 1)
            if not self.closed and len(self.sent) - self.finished < BACKLOG:
                mail = mails.next(new_product=self.new_product)
                self.sent[mail.message_id], self.sent_at[mail.message_id] = mail, datetime.now(UTC)
                await asyncio.to_thread(self.mailbox.deliver, mail.raw)
            await asyncio.to_thread(self._read)

    def is_wrong(self, decided: DecidedMail) -> bool:
        """Return whether a mail went to a team that is not its own."""
        return decided.automatic and self.team_of(decided) != self.sent[decided.message_id].truth.team

    def team_of(self, decided: DecidedMail) -> str:
        """Return the team that a decision chose."""
        return TEAM_OF_OUTCOME.get(decided.outcome, decided.outcome)

    def tally(self, since: int = 0, until: int | None = None) -> MailTally:
        """Count the decisions from one position up to another."""
        counted = MailTally()
        for one in self.decided[since:until]:
            new = self.sent[one.message_id].truth.team == NEW_TEAM
            counted.decided += 1
            counted.automatic += one.automatic
            counted.errors += self.is_wrong(one)
            counted.new += new
            counted.new_automatic += new and one.automatic
            counted.new_right += new and one.automatic and not self.is_wrong(one)
        return counted

    def _read(self) -> None:
        for identifier, one in list(self.ledger.read().items()):
            if identifier not in self._known and identifier in self.sent:
                self._known.add(identifier)
                self.decided.append(one)
