"""Storing, reading and deleting attachments."""

from collections.abc import Sequence
from datetime import datetime

import structlog

from andon import audit
from andon.attachments import store
from andon.attachments.domain import Attachment, AttachmentLimits, KeptMail, within
from andon.attachments.errors import AttachmentNotFound
from andon.kernel import reasons
from andon.kernel.db import Tx
from andon.kernel.identity import Actor

log = structlog.get_logger(__name__)

FORGOTTEN_AT_ONCE = 500


def keep(
    tx: Tx, automation: str, mails: Sequence[KeptMail], *, limits: AttachmentLimits, now: datetime
) -> set[tuple[str, str]]:
    """Store the attachments of these mails within the limits; return the mail and digest of each stored one."""
    kept: set[tuple[str, str]] = set()
    if not any(mail.attachments for mail in mails):
        return kept
    room = limits.max_total_bytes - store.total(tx)
    for mail in mails:
        chosen = within(mail, limits, room)
        for one in sorted(chosen, key=lambda one: one.sha256):  # one order for all writers, so that two cannot deadlock
            store.add(tx, automation, mail.mail, one, now)
            room -= len(one.content)
            kept.add((mail.mail, one.sha256))
        if len(chosen) < len(mail.attachments):
            log.warning("attachments.not_kept", automation=automation, number=len(mail.attachments) - len(chosen))
    return kept


def page(
    tx: Tx, *, automations: Sequence[str] | None = None, mail: str | None = None, limit: int = 50
) -> list[Attachment]:
    """Return attachments, newest first; of one mail if `mail` is given."""
    return store.page(tx, automations=automations, mail=mail, limit=limit)


def read(
    tx: Tx, sha256: str, *, actor: Actor, reason: str, now: datetime, automations: Sequence[str] | None = None
) -> tuple[Attachment, bytes]:
    """Return an attachment and its content, and record the read in the audit log. Raises AttachmentNotFound."""
    why = reasons.require(reason)
    found = store.find(tx, sha256, automations)
    content = None if found is None else store.content(tx, sha256)
    if found is None or content is None:
        raise AttachmentNotFound(f"There is no attachment {sha256[:64]}, or it has expired")
    after = {"automation": found.automation, "mail": found.mail, "size": found.size}
    audit.record(
        tx, actor=actor, action="attachment.read", subject=f"attachment:{sha256}", at=now, reason=why, after=after
    )
    return found, content


def count(tx: Tx) -> tuple[int, int]:
    """Return the number of attachments, and the bytes of their contents."""
    return store.count(tx)


def forget(tx: Tx, before: datetime) -> bool:
    """Delete attachments stored before a moment; return whether there may be more."""
    return store.forget(tx, before, FORGOTTEN_AT_ONCE) == FORGOTTEN_AT_ONCE
