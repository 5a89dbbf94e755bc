"""All SQL of attachments."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, func, select, tuple_
from sqlalchemy.dialects.postgresql import insert as upsert

from andon.attachments.domain import Attachment, AttachmentContent
from andon.attachments.tables import attachment_contents, attachments
from andon.kernel.db import Tx

_a, _c = attachments.c, attachment_contents.c


def total(tx: Tx) -> int:
    """Return the bytes of all contents."""
    return int(tx.execute(select(func.coalesce(func.sum(_c.size), 0))).scalar_one())


def add(tx: Tx, automation: str, mail: str, one: AttachmentContent, now: datetime) -> None:
    """Store one attachment; if it is already stored, its retention starts over."""
    size = len(one.content)
    # `forget` waits for this row, and then sees that the content is in use.
    tx.execute(
        upsert(attachment_contents)
        .values(sha256=one.sha256, size=size, content=one.content, kept_at=now)
        .on_conflict_do_nothing()
    )
    tx.execute(select(_c.sha256).where(_c.sha256 == one.sha256).with_for_update(key_share=True)).all()
    place = {"automation": automation, "mail": mail, "sha256": one.sha256, "name": one.name}
    statement = upsert(attachments).values(**place, media_type=one.media_type, size=size, kept_at=now)
    tx.execute(
        statement.on_conflict_do_update(
            index_elements=[_a.automation, _a.mail, _a.sha256, _a.name], set_={"kept_at": statement.excluded.kept_at}
        )
    )


def page(tx: Tx, *, automations: Sequence[str] | None, mail: str | None, limit: int) -> list[Attachment]:
    """Return attachments, newest first."""
    query = select(attachments)
    if automations is not None:
        query = query.where(_a.automation.in_(automations))
    if mail is not None:
        query = query.where(_a.mail == mail)
    return [_attachment(row) for row in tx.execute(query.order_by(_a.kept_at.desc(), _a.sha256, _a.name).limit(limit))]


def find(tx: Tx, sha256: str, automations: Sequence[str] | None) -> Attachment | None:
    """Return the newest attachment with a content; None if there is none."""
    query = select(attachments).where(_a.sha256 == sha256).order_by(_a.kept_at.desc(), _a.name).limit(1)
    if automations is not None:
        query = query.where(_a.automation.in_(automations))
    row = tx.execute(query).one_or_none()
    return None if row is None else _attachment(row)


def content(tx: Tx, sha256: str) -> bytes | None:
    """Return a content."""
    found = tx.execute(select(_c.content).where(_c.sha256 == sha256)).scalar_one_or_none()
    return None if found is None else bytes(found)


def forget(tx: Tx, before: datetime, limit: int) -> int:
    """Delete up to `limit` attachments stored before a moment, and contents without one; return their number."""
    old = select(_a.automation, _a.mail, _a.sha256, _a.name).where(_a.kept_at < before).limit(limit)
    keys = [_a.automation, _a.mail, _a.sha256, _a.name]
    gone = tx.execute(delete(attachments).where(tuple_(*keys).in_(old)).returning(_a.sha256)).scalars().all()
    unused = (
        select(_c.sha256)
        .where(_c.sha256.in_(set(gone)), ~select(_a.mail).where(_a.sha256 == _c.sha256).exists())
        .with_for_update()
    )
    tx.execute(delete(attachment_contents).where(_c.sha256.in_(unused.scalar_subquery())))
    return len(gone)


def count(tx: Tx) -> tuple[int, int]:
    """Return the number of attachments, and the bytes of their contents."""
    return int(tx.execute(select(func.count()).select_from(attachments)).scalar_one()), total(tx)


def _attachment(row: Row[Any]) -> Attachment:
    return Attachment(**row._asdict())
