"""Mails: the decision on each, and where it was last seen. `progress.py` adds them."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select, text, tuple_, update

from andon.kernel.db import Tx
from andon.streams.tables import mails

_m = mails.c


class KnownMail(NamedTuple):
    """A mail that was decided."""

    mail: str
    decision_id: UUID
    folder: str
    moves_seen: Sequence[UUID]


def decided(tx: Tx, automation: str, identities: Sequence[str]) -> set[str]:
    """Return those of these mails that were decided."""
    query = select(_m.mail).where(_m.automation == automation, _m.mail.in_(identities))
    return set(tx.execute(query).scalars())


def of_decision(tx: Tx, decision_id: UUID) -> str | None:
    """Return the mail that a decision is about; None if it is about something else."""
    return tx.execute(select(_m.mail).where(_m.decision_id == decision_id)).scalar_one_or_none()


def decisions_of(tx: Tx, places: Sequence[tuple[str, str]]) -> dict[tuple[str, str], UUID]:
    """Return the decisions on mails, each named by its automation and its identity."""
    query = select(_m.automation, _m.mail, _m.decision_id).where(tuple_(_m.automation, _m.mail).in_(places))
    return {(row.automation, row.mail): row.decision_id for row in tx.execute(query)}


def lock(tx: Tx, automation: str, identities: Sequence[str]) -> dict[str, KnownMail]:
    """Return those of these mails that were decided, locked in order."""
    query = (
        select(_m.mail, _m.decision_id, _m.folder, _m.moves_seen)
        .where(_m.automation == automation, _m.mail.in_(identities))
        .order_by(_m.mail)
        .with_for_update()
    )
    return {row.mail: KnownMail(*row) for row in tx.execute(query)}


def seen(tx: Tx, automation: str, mail: str, folder: str, moves: Sequence[UUID]) -> None:
    """Record the folder in which a mail was seen, and the actions that are no longer waited for."""
    values = {"folder": folder, "moves_seen": list(moves), "seen_at": text("clock_timestamp()")}
    tx.execute(update(mails).where(_m.automation == automation, _m.mail == mail).values(**values))
