"""Attachments as values, and the selection of those that are kept. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

MEBIBYTE = 2**20


@dataclass(frozen=True, slots=True)
class AttachmentLimits:
    """The most attachments and bytes that are kept of one mail, and the most bytes of all mails together."""

    max_number: int = 50
    max_bytes: int = 40 * MEBIBYTE
    max_total_bytes: int = 20 * 1024 * MEBIBYTE


@dataclass(frozen=True, slots=True)
class AttachmentContent:
    """One attachment of a mail that was just read."""

    sha256: str
    name: str
    media_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class KeptMail:
    """A mail and its attachments. `mail` is the identity that all copies of the mail share."""

    mail: str
    attachments: Sequence[AttachmentContent]


@dataclass(frozen=True, slots=True)
class Attachment:
    """A stored attachment, without its content. `name` and `media_type` come from the sender."""

    automation: str
    mail: str
    sha256: str
    name: str
    media_type: str
    size: int
    kept_at: datetime


def within(mail: KeptMail, limits: AttachmentLimits, room: int) -> list[AttachmentContent]:
    """Return the attachments of a mail to keep, in order; `room` is the space left in the total."""
    kept: list[AttachmentContent] = []
    left = min(limits.max_bytes, room)
    for one in mail.attachments[: limits.max_number]:
        if len(one.content) <= left:
            kept.append(one)
            left -= len(one.content)
    return kept
