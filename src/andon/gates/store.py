"""All SQL about gate revisions. Never commits."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, insert, or_, select, text
from sqlalchemy.dialects.postgresql import distinct_on

from andon.gates.domain import GateRevision, Origin
from andon.gates.shares import AuditShare
from andon.gates.tables import audit_shares, gate_revisions
from andon.kernel.db import Tx

_LOCK = 0x67617465
"""First key of the advisory lock on an automation's gates."""


def lock(tx: Tx, automation: str) -> None:
    """Let one transaction at a time revise the gates of this automation."""
    tx.execute(text("SELECT pg_advisory_xact_lock(:key, hashtext(:name))"), {"key": _LOCK, "name": automation})


def newest_shares(tx: Tx) -> dict[str, float]:
    """Return the newest share of blind audits of each automation where it was changed."""
    c = audit_shares.c
    newest = select(c.automation, c.share).ext(distinct_on(c.automation)).order_by(c.automation, c.number.desc())
    return {row.automation: row.share for row in tx.execute(newest)}


def shares_of(tx: Tx, automation: str, limit: int) -> Sequence[AuditShare]:
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


def newest_living(tx: Tx, now: datetime) -> Sequence[GateRevision]:
    """Of each arm the newest revision without an expiry, and the newer ones that have not expired."""
    c = gate_revisions.c
    lasting = (
        select(c.automation, c.arm, c.revision)
        .ext(distinct_on(c.automation, c.arm))
        .where(c.expires_at.is_(None))
        .order_by(c.automation, c.arm, c.revision.desc())
        .subquery()
    )
    query = (
        select(gate_revisions)
        .outerjoin(lasting, (lasting.c.automation == c.automation) & (lasting.c.arm == c.arm))
        .where(c.revision >= func.coalesce(lasting.c.revision, 0), or_(c.expires_at.is_(None), c.expires_at > now))
    )
    return [_revision(row) for row in tx.execute(query)]


def of_arm(tx: Tx, automation: str, arm: str) -> Sequence[GateRevision]:
    """Every revision of one arm, newest first."""
    c = gate_revisions.c
    query = select(gate_revisions).where(c.automation == automation, c.arm == arm)
    return [_revision(row) for row in tx.execute(query.order_by(c.revision.desc()))]


def newest_of(tx: Tx, automation: str, arm: str, origin: Origin) -> GateRevision | None:
    """The newest revision of one arm that comes from there."""
    c = gate_revisions.c
    query = select(gate_revisions).where(c.automation == automation, c.arm == arm, c.origin == origin)
    row = tx.execute(query.order_by(c.revision.desc()).limit(1)).one_or_none()
    return None if row is None else _revision(row)


def page(tx: Tx, automation: str, limit: int) -> Sequence[GateRevision]:
    """The revisions of one automation, newest first."""
    query = select(gate_revisions).where(gate_revisions.c.automation == automation)
    return [_revision(row) for row in tx.execute(query.order_by(gate_revisions.c.revision.desc()).limit(limit))]


def next_revision(tx: Tx, automation: str) -> int:
    """The number of a new revision; lock the automation first."""
    c = gate_revisions.c
    query = select(func.coalesce(func.max(c.revision), 0) + 1).where(c.automation == automation)
    return int(tx.execute(query).scalar_one())


def add(tx: Tx, made: GateRevision) -> None:
    """Write one revision; lock the automation first."""
    tx.execute(
        insert(gate_revisions).values(
            automation=made.automation,
            revision=made.revision,
            arm=made.arm,
            threshold=made.threshold,
            target=made.target,
            confidence=made.confidence,
            origin=made.origin,
            evidence=dict(made.evidence),
            automation_version=made.automation_version,
            made_by=made.by,
            reason=made.reason,
            made_at=made.at,
            expires_at=made.expires_at,
        )
    )


def _revision(row: Row[Any]) -> GateRevision:
    return GateRevision(
        automation=row.automation,
        revision=row.revision,
        arm=row.arm,
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
