"""Shared parts of tests with mails: a line that decides what comes into a mailbox, and moves it to Fraud or Fine."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from andon import Automation, Trigger, Truth, folder_moves, imap, mail_move
from andon.actions import Deliveries, Destination
from andon.adapters.imap import ImapSource
from andon.connectors.mailbox import MailboxConnector
from andon.kernel.clock import SystemClock
from andon.kernel.db import Database
from andon.kernel.events import Events
from andon.streams import MailReader, MoveReader, Source
from automations import Payment, an_automation
from dovecots import Dovecot, a_mail, a_user
from lines import Installation, install

CLASSES = {"Fraud": "fraud", "Fine": "ok"}


class PaidByMail(Payment):
    """A payment that a mail asks for."""

    message_id: str


def asked_for(mail: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the payment: the text is the amount."""
    if mail["subject"] == "Newsletter":
        return None
    return {
        "message_id": mail["message_id"],
        "payment_id": mail["subject"],
        "account": mail["from"]["address"],
        "amount": float(mail["text"]),
    }


def deciding_mails() -> Automation:
    """Return the automation."""
    automation = an_automation()
    automation.contract = PaidByMail
    automation.triggers = (imap("support", read=asked_for),)
    automation.actions = {"pause": mail_move("support", folder="Fraud"), "release": mail_move("support", folder="Fine")}
    automation.truth = Truth(
        {"pause": "fraud", "release": "ok"}, matures=timedelta(days=1), reported=folder_moves("support", CLASSES)
    )
    return automation


@dataclass
class MailLine:
    """A mailbox of its own, and what decides and moves its mails."""

    installation: Installation
    dovecot: Dovecot
    user: str = field(default_factory=a_user)

    def __post_init__(self) -> None:
        self.dovecot.make(self.user, *CLASSES)

    def write(self, amount: object, message_id: str, *, folder: str = "INBOX", **headers: str) -> None:
        """Let somebody write a mail."""
        mail = a_mail(str(amount), Message_ID=f"<{message_id}>", **headers)
        self.dovecot.put(self.user, mail, folder=folder)

    def open_source(self, automation: Automation, trigger: Trigger) -> Source:
        """Open the mailbox as a worker does."""
        server, database = self.dovecot.server(self.user), self.installation.database
        if trigger.source == "imap":
            mails = MailReader(database, automation.name, "support", clock=SystemClock())
            return ImapSource(server, [trigger.options["folder"]], mails, poll_seconds=0.2)
        return ImapSource(server, list(trigger.options), MoveReader(trigger.options), poll_seconds=0.1)

    def deliveries(self) -> Deliveries:
        """Return what carries the actions out; close it."""
        connector = MailboxConnector({"support": {"server": self.dovecot.server(self.user)}})
        support = {"support": Destination("support")}
        clock = self.installation.clock
        return Deliveries(self.installation.database, {"mailbox": connector}, support, clock, events=Events())

    def where(self) -> dict[str, set[str]]:
        """Return the message ids by folder."""
        return {folder: set(self.dovecot.ids(self.user, folder)) for folder in ("INBOX", *CLASSES)}


def a_mail_line(database: Database, folder: Path, dovecot: Dovecot) -> MailLine:
    """Return a line with a new mailbox."""
    return MailLine(install(database, folder, deciding_mails()), dovecot)
