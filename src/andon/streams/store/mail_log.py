"""The log of a folder whose service numbers no mails: each new mail permanently gets the next number."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert as upsert

from andon.kernel.db import Tx
from andon.streams.tables import logged_mails, mail_logs

_l, _m = mail_logs.c, logged_mails.c


class LoggedMail(NamedTuple):
    """A mail of the log."""

    position: int
    remote_id: str
    arrived_at: datetime


_APPEND = text("""
WITH new AS (
    SELECT n.remote_id, n.arrived_at, n.number
    FROM unnest(CAST(:ids AS text[]), CAST(:times AS timestamptz[])) WITH ORDINALITY AS n(remote_id, arrived_at, number)
    WHERE NOT EXISTS (
        SELECT 1 FROM logged_mails m WHERE m.mailbox = :mailbox AND m.folder = :folder AND m.remote_id = n.remote_id)
), added AS (
    INSERT INTO logged_mails (mailbox, folder, position, remote_id, arrived_at)
    SELECT :mailbox, :folder, :length + row_number() OVER (ORDER BY number) - 1, remote_id, arrived_at FROM new
    RETURNING 1
)
UPDATE mail_logs SET token = :token, asked_at = clock_timestamp(), length = length + (SELECT count(*) FROM added)
WHERE mailbox = :mailbox AND folder = :folder
""")


def make(tx: Tx, mailbox: str, folder: str) -> None:
    """Begin a log, if there is none."""
    tx.execute(upsert(mail_logs).values(mailbox=mailbox, folder=folder).on_conflict_do_nothing())


def token(tx: Tx, mailbox: str, folder: str) -> str | None:
    """Return the token up to which changes were requested; None at the beginning."""
    return tx.execute(select(_l.token).where(_l.mailbox == mailbox, _l.folder == folder)).scalar_one_or_none()


def append(
    tx: Tx, mailbox: str, folder: str, found: Sequence[tuple[str, datetime]], *, since: str | None, token: str | None
) -> bool:
    """Add mails found since a token, and store the next one; return False if another reader did so meanwhile."""
    log = select(_l.token, _l.length).where(_l.mailbox == mailbox, _l.folder == folder).with_for_update()
    row = tx.execute(log).one()
    if row.token != since:
        return False
    first = dict(reversed(found))
    ids = [(identifier, first[identifier]) for identifier in dict.fromkeys(identifier for identifier, _ in found)]
    place = {"mailbox": mailbox, "folder": folder, "length": row.length, "token": token}
    tx.execute(_APPEND, {**place, "ids": [one for one, _ in ids], "times": [at for _, at in ids]})
    return True


def length(tx: Tx, mailbox: str, folder: str) -> int:
    """Return the number of mails in a log, which is the position of the next one."""
    found = tx.execute(select(_l.length).where(_l.mailbox == mailbox, _l.folder == folder)).scalar_one_or_none()
    return found or 0


def read(tx: Tx, mailbox: str, folder: str, position: int, most: int) -> list[LoggedMail]:
    """Return mails from a position on, in order."""
    query = (
        select(_m.position, _m.remote_id, _m.arrived_at)
        .where(_m.mailbox == mailbox, _m.folder == folder, _m.position >= position)
        .order_by(_m.position)
        .limit(most)
    )
    return [LoggedMail(*row) for row in tx.execute(query)]


def since(tx: Tx, mailbox: str, folder: str, moment: datetime) -> int | None:
    """Return the position of the first mail that arrived at a moment or later."""
    query = select(func.min(_m.position)).where(_m.mailbox == mailbox, _m.folder == folder, _m.arrived_at >= moment)
    found: int | None = tx.execute(query).scalar_one()
    return found
