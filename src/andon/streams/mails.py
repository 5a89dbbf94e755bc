"""Mails as messages of a stream: parsed, with attachments kept, and earlier decided mails recognised.

Every source of mails passes the bytes of each mail to `MailReader`; everything else a server says stays in the source.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Protocol

from pydantic_core import to_json

from andon import attachments
from andon.attachments import AttachmentContent, AttachmentLimits, KeptMail
from andon.kernel.clock import Clock
from andon.kernel.db import Database
from andon.mail import Mail, MailLimits, MailUnreadable, identity, parse
from andon.streams.ports import Arrival, MailCopy
from andon.streams.store import mails

RECEIVED = "andon.mail.received"
"""The type of a mail's event."""

LONGEST_IN_EVENT = 1_000_000
"""The most bytes of an unreadable mail in its dead event; a longer one is an attachment, its BEGINNING in the event."""

BEGINNING = 65_536

RAW = "message/rfc822"

_LONGEST_CORRELATION = 128


@dataclass(frozen=True, slots=True)
class RawMail:
    """A mail as a server returns it. `refused` says why it was not fetched completely."""

    position: int
    folder: str
    data: bytes
    at: datetime | None = None
    refused: str | None = None


class ReadsMails(Protocol):
    """Turns mails into messages. `section` is the part that it needs of each; empty for the whole mail."""

    @property
    def section(self) -> str:
        """The section of a mail that is fetched (RFC 3501); empty for the whole mail."""
        ...

    @property
    def max_bytes(self) -> int:
        """The size of the largest mail that is fetched."""
        ...

    def arrivals(self, found: Sequence[RawMail]) -> list[Arrival]:
        """Return the message of each mail, in order. Blocks."""
        ...


class MailReader:
    """Reads mails to decide them. `mailbox` names where they are, for the source of their events."""

    section = ""

    def __init__(
        self,
        database: Database,
        automation: str,
        mailbox: str,
        *,
        clock: Clock,
        limits: MailLimits | None = None,
        shelf: AttachmentLimits | None = None,
    ) -> None:
        self._database = database
        self._automation = automation
        self._mailbox = mailbox
        self._clock = clock
        self._limits = limits or MailLimits()
        self._shelf = shelf or AttachmentLimits()

    @property
    def max_bytes(self) -> int:
        """The size of the largest mail that is fetched."""
        return self._limits.max_bytes

    def arrivals(self, found: Sequence[RawMail]) -> list[Arrival]:
        """Parse mails, store their attachments, and recognise the mails that were decided before."""
        parsed = [self._parsed(one) for one in found]
        shelved = [_shelved(one, mail) for one, mail in zip(found, parsed, strict=True)]
        known = [mail.identity for mail in parsed if isinstance(mail, Mail)]
        with self._database.begin() as tx:
            decided = mails.decided(tx, self._automation, known)
            wanted = [one for one in shelved if one.mail not in decided]
            kept = attachments.keep(tx, self._automation, wanted, limits=self._shelf, now=self._clock.now())
        return [
            self._arrival(one, mail, decided, kept)
            if isinstance(mail, Mail)
            else Arrival(one.position, _beginning(one.data), {"content-type": RAW}, at=one.at, unreadable=mail)
            for one, mail in zip(found, parsed, strict=True)
        ]

    def _parsed(self, raw: RawMail) -> Mail | str:
        """Return a mail, or why it cannot be read."""
        if raw.refused is not None:
            return raw.refused
        try:
            return parse(raw.data, self._limits)
        except MailUnreadable as error:
            return str(error)

    def _arrival(self, raw: RawMail, mail: Mail, decided: set[str], kept: set[tuple[str, str]]) -> Arrival:
        data = mail.data(raw.folder, raw.position)
        for one in data["attachments"]:
            one["kept"] = (mail.identity, one["sha256"]) in kept or mail.identity in decided
        headers = {
            "content-type": "application/json",
            "ce_specversion": "1.0",
            "ce_id": mail.identity,
            "ce_source": f"mail:{self._mailbox}",
            "ce_type": RECEIVED,
        }
        if mail.message_id and len(mail.message_id) <= _LONGEST_CORRELATION:
            headers["ce_correlationid"] = mail.message_id
        copy = MailCopy(mail.identity, mail.message_id, raw.folder, mail.identity in decided)
        return Arrival(raw.position, to_json(data), headers, at=raw.at, mail=copy)


class MoveReader:
    """Reads mails in folders that stand for classes: only their sender and their place."""

    section = "HEADER"

    def __init__(self, classes: Mapping[str, str], *, limits: MailLimits | None = None) -> None:
        self._classes = classes
        self._limits = limits or MailLimits()

    @property
    def max_bytes(self) -> int:
        """The size of the largest mail that is read; only its header is fetched."""
        return 2**40

    def arrivals(self, found: Sequence[RawMail]) -> list[Arrival]:
        """Return which mail is in which folder. A mail with an unreadable header was never decided."""
        return [self._arrival(one) for one in found]

    def _arrival(self, raw: RawMail) -> Arrival:
        try:
            mail, _ = identity(raw.data, self._limits)
        except MailUnreadable:
            mail = sha256(raw.data).hexdigest()
        data = {"mail": mail, "folder": raw.folder, "value": self._classes[raw.folder]}
        return Arrival(raw.position, to_json(data), at=raw.at)


def _shelved(raw: RawMail, mail: Mail | str) -> KeptMail:
    """Return what to keep of a mail: its attachments, or the whole of an unreadable one too long for an event."""
    if isinstance(mail, Mail):
        found = [AttachmentContent(one.sha256, one.name, one.media_type, one.content) for one in mail.attachments]
        return KeptMail(mail.identity, found)
    if raw.refused is not None or len(raw.data) <= LONGEST_IN_EVENT:
        return KeptMail("", ())
    digest = sha256(raw.data).hexdigest()
    return KeptMail(digest, [AttachmentContent(digest, "original.eml", RAW, raw.data)])


def _beginning(data: bytes) -> bytes:
    return data if len(data) <= LONGEST_IN_EVENT else data[:BEGINNING]
