"""All SQL about gate revisions. Never commits."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Text, cast, func, insert, null, or_, select, text
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.dialects.postgresql import insert as upsert

from andon.audit import RowName
from andon.gates.domain import GateRevision, Origin
from andon.gates.shares import AuditShare
from andon.gates.tables import audit_shares, gate_pointers, gate_revisions
from andon.gates.vouched import POINTERS
from andon.kernel.db import Tx

_LOCK = 0x67617465
"""First key of the advisory lock on an automation's gates."""

_SHOWN = [column for column in gate_revisions.c if column.name != "held_out"]
"""What a revision consists of, without the table that only proofs read."""


def lock(tx: Tx, automation: str) -> None:
    """Let one transaction at a time revise the gates of this automation."""
    tx.execute(text("SELECT pg_advisory_xact_lock(:key, hashtext(:name))"), {"key": _LOCK, "name": automation})


def newest_shares(tx: Tx) -> dict[str, float]:
    """Return the newest share of blind audits of each automation where it was changed."""
    c = audit_shares.c
    newest = select(c.automation, c.share).ext(distinct_on(c.automation)).order_by(c.automation, c.number.desc())
    return {row.automation: row.share for row in tx.execute(newest)}


def shares_of(tx: Tx, automation: str, limit: int | None) -> Sequence[AuditShare]:
    """Return the changes of one automation's share of blind audits, newest first."""
    c = audit_shares.c
    query = select(audit_shares).where(c.automation == automation).order_by(c.number.desc()).limit(limit)
    return [
        AuditShare(row.automation, row.number, row.share, row.set_by, row.reason, row.set_at)
        for row in tx.execute(query)
    ]


def add_share(tx: Tx, made: AuditShare) -> None:
    """Write one change of a share; lock the automation first."""
    tx.execute(
        insert(audit_shares).values(
            automation=made.automation,
            number=made.number,
            share=made.share,
            set_by=made.by,
            reason=made.reason,
            set_at=made.at,
        )
    )


def living(tx: Tx, now: datetime, automation: str | None = None, arm: str | None = None) -> Sequence[GateRevision]:
    """Return the newest held-out and live revision of each series, and all unexpired ones of people."""
    c, p = gate_revisions.c, gate_pointers.c
    pointed = select(*_SHOWN).join(
        gate_pointers, (p.automation == c.automation) & (p.revision == c.revision) & (p.arm == c.arm)
    )
    by_people = select(*_SHOWN).where(c.origin == Origin.PERSON, or_(c.expires_at.is_(None), c.expires_at > now))
    for name, value in ((c.automation, automation), (c.arm, arm)):
        if value is not None:
            pointed, by_people = pointed.where(name == value), by_people.where(name == value)
    return [_revision(row) for query in (pointed, by_people) for row in tx.execute(query)]


def newest_held_out(tx: Tx, automation: str, arm: str, predicted: str) -> GateRevision | None:
    """Return the newest revision from held-out evidence, for all predictions or those of one class."""
    c, p = gate_revisions.c, gate_pointers.c
    query = (
        select(*_SHOWN)
        .join(gate_pointers, (p.automation == c.automation) & (p.revision == c.revision))
        .where(*_held_out_pointer(automation, arm, predicted))
    )
    row = tx.execute(query).one_or_none()
    return None if row is None else _revision(row)


def held_out_table(tx: Tx, automation: str, arm: str) -> Mapping[str, Any] | None:
    """Return the table of the newest revision from held-out evidence of a whole arm."""
    c, p = gate_revisions.c, gate_pointers.c
    query = (
        select(c.held_out)
        .join(gate_pointers, (p.automation == c.automation) & (p.revision == c.revision))
        .where(*_held_out_pointer(automation, arm, ""))
    )
    found: Mapping[str, Any] | None = tx.execute(query).scalar_one_or_none()
    return found


def page(tx: Tx, automation: str, limit: int) -> Sequence[GateRevision]:
    """Return the revisions of one automation, newest first."""
    query = select(*_SHOWN).where(gate_revisions.c.automation == automation)
    return [_revision(row) for row in tx.execute(query.order_by(gate_revisions.c.revision.desc()).limit(limit))]


def as_of(tx: Tx, automation: str, moment: datetime) -> Sequence[GateRevision]:
    """Return what `living` returned at a moment."""
    c = gate_revisions.c
    made = select(*_SHOWN).where(c.automation == automation, c.made_at <= moment)
    series = (c.arm, c.segment, c.predicted, c.origin)
    proven = made.where(c.origin != Origin.PERSON).ext(distinct_on(*series)).order_by(*series, c.revision.desc())
    by_people = made.where(c.origin == Origin.PERSON, or_(c.expires_at.is_(None), c.expires_at > moment))
    return [_revision(row) for query in (proven, by_people) for row in tx.execute(query)]


def made_between(tx: Tx, automation: str, since: datetime, until: datetime) -> Sequence[GateRevision]:
    """Return the revisions made in a span, oldest first."""
    c = gate_revisions.c
    query = select(*_SHOWN).where(c.automation == automation, c.made_at >= since, c.made_at <= until)
    return [_revision(row) for row in tx.execute(query.order_by(c.revision))]


def by_people(tx: Tx, automation: str) -> Sequence[GateRevision]:
    """Return the revisions that people made, oldest first."""
    c = gate_revisions.c
    query = select(*_SHOWN).where(c.automation == automation, c.origin == Origin.PERSON)
    return [_revision(row) for row in tx.execute(query.order_by(c.revision))]


def next_revision(tx: Tx, automation: str) -> int:
    """Return the number of a new revision; lock the automation first."""
    c = gate_revisions.c
    query = select(func.coalesce(func.max(c.revision), 0) + 1).where(c.automation == automation)
    return int(tx.execute(query).scalar_one())


def add(tx: Tx, made: GateRevision, table: Mapping[str, Any] | None) -> None:
    """Write one revision, and point to it; lock the automation first."""
    tx.execute(
        insert(gate_revisions).values(
            automation=made.automation,
            revision=made.revision,
            arm=made.arm,
            segment=dict(made.segment),
            predicted=made.predicted,
            threshold=made.threshold,
            target=made.target,
            confidence=made.confidence,
            origin=made.origin,
            evidence=dict(made.evidence),
            held_out=null() if table is None else dict(table),
            automation_version=made.automation_version,
            made_by=made.by,
            reason=made.reason,
            made_at=made.at,
            expires_at=made.expires_at,
        )
    )
    if made.origin is Origin.PERSON:
        return
    pointer = upsert(gate_pointers).values(
        automation=made.automation,
        arm=made.arm,
        segment=dict(made.segment),
        predicted=made.predicted,
        origin=made.origin,
        revision=made.revision,
    )
    tx.execute(
        pointer.on_conflict_do_update(
            index_elements=["automation", "arm", "segment", "predicted", "origin"],
            set_={"revision": pointer.excluded.revision},
        )
    )


def pointers_to(tx: Tx, made: GateRevision) -> list[RowName]:
    """Name the pointer of a revision's series, if it has one."""
    p = gate_pointers.c
    query = select(p.automation, p.arm, cast(p.segment, Text), p.predicted, p.origin).where(
        p.automation == made.automation, p.revision == made.revision
    )
    return [POINTERS.row(*row) for row in tx.execute(query)]


def _held_out_pointer(automation: str, arm: str, predicted: str) -> list[ColumnElement[bool]]:
    p = gate_pointers.c
    return [
        p.automation == automation,
        p.arm == arm,
        p.segment == {},
        p.predicted == predicted,
        p.origin == Origin.HELD_OUT,
    ]


def _revision(row: Row[Any]) -> GateRevision:
    return GateRevision(
        automation=row.automation,
        revision=row.revision,
        arm=row.arm,
        segment=row.segment,
        predicted=row.predicted,
        threshold=row.threshold,
        target=row.target,
        confidence=row.confidence,
        origin=Origin(row.origin),
        evidence=row.evidence,
        automation_version=row.automation_version,
        by=row.made_by,
        reason=row.reason,
        at=row.made_at,
        expires_at=row.expires_at,
    )
