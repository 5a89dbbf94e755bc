"""A mail as the event of a stream holds it. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any, NamedTuple

GENERATED_PRECEDENCE = frozenset({"bulk", "list", "junk", "auto_reply"})
"""Values of `Precedence` in mails that no person wrote."""


class MailAddress(NamedTuple):
    """A mailbox: its display name and its address."""

    name: str
    address: str


@dataclass(frozen=True, slots=True)
class MailAttachment:
    """A part of a mail that is not its text. Nothing here opens, unpacks or runs it."""

    name: str
    media_type: str
    content: bytes = field(repr=False)

    @property
    def sha256(self) -> str:
        """The digest that names it in the store."""
        return sha256(self.content).hexdigest()


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail. `thread` has the ids of the mails it follows, oldest first; `text` is only this mail's own text.

    `identity` is the same for every copy of the mail, whatever folder or server holds it.
    """

    identity: str
    message_id: str
    thread: Sequence[str]
    sender: MailAddress
    to: Sequence[MailAddress]
    recipients: int
    subject: str
    text: str
    quoted: str
    signature: str
    language: str | None
    sent_at: datetime | None
    headers: Mapping[str, str]
    attachments: Sequence[MailAttachment]
    cut: bool = False
    """Whether the text was longer than the limit."""

    def data(self, folder: str, uid: int) -> dict[str, Any]:
        """Return the data of the mail's event, which a trigger's `read` receives."""
        found: dict[str, Any] = {
            "message_id": self.message_id,
            "thread": list(self.thread),
            "from": self.sender._asdict(),
            "to": [one._asdict() for one in self.to],
            "recipients": self.recipients,
            "subject": self.subject,
            "text": self.text,
            "quoted": self.quoted,
            "signature": self.signature,
            "cut": self.cut,
            "sent_at": None if self.sent_at is None else self.sent_at.isoformat(),
            "headers": dict(self.headers),
            "attachments": [
                {"sha256": one.sha256, "name": one.name, "media_type": one.media_type, "size": len(one.content)}
                for one in self.attachments
            ],
            "folder": folder,
            "uid": uid,
        }
        if self.language is not None:
            found["language"] = self.language
        return found


def is_generated(headers: Mapping[str, str]) -> bool:
    """Return whether no person wrote a mail: a list or a program sent it (RFC 3834). Header names are lower case."""
    submitted = headers.get("auto-submitted", "no").partition(";")[0].strip().lower()
    precedence = headers.get("precedence", "").strip().lower()
    listed = any(name in headers for name in ("list-id", "list-unsubscribe", "x-auto-response-suppress"))
    return submitted != "no" or precedence in GENERATED_PRECEDENCE or listed or headers.get("return-path") == "<>"
