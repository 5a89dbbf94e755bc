"""All SQL about applied configurations. Never commits."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select

from andon.kernel.db import Tx
from andon.plans.domain import AppliedPlan, PlannedChange
from andon.plans.tables import applied_plans


def add(tx: Tx, changes: Sequence[dict[str, Any]], *, by: str, reason: str, at: datetime, state_digest: str) -> None:
    """Write an applied configuration."""
    values = {"applied_by": by, "reason": reason, "applied_at": at, "state_digest": state_digest}
    tx.execute(insert(applied_plans).values(**values, changes=list(changes)))


def newest(tx: Tx, limit: int) -> list[AppliedPlan]:
    """Read the newest applied configurations, newest first."""
    rows = tx.execute(select(applied_plans).order_by(applied_plans.c.number.desc()).limit(limit))
    return [
        AppliedPlan(
            row.number,
            row.applied_at,
            row.applied_by,
            row.reason,
            row.state_digest,
            tuple(PlannedChange(**one) for one in row.changes),
        )
        for row in rows
    ]
