"""All SQL about splits and their leases, and reading shadow predictions, which `shadows.py` writes.

Takes and returns domain objects.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Row, func, insert, literal_column, select, text
from sqlalchemy.dialects.postgresql import insert as upsert

from andon.kernel.db import Tx
from andon.serving.candidates import Candidate
from andon.serving.domain import ShadowPrediction, ShadowSummary, TrafficLease, TrafficSplit
from andon.serving.tables import shadow_predictions, traffic_leases, traffic_splits

_WRITTEN_IN = literal_column("written_in", BigInteger)
"""The transaction that wrote a shadow prediction; its default fills it in."""

_LOCK = 0x73706C74
"""First key of the advisory lock on an automation's split."""


def lock(tx: Tx, automation: str) -> None:
    """Let one transaction at a time number the splits of this automation."""
    tx.execute(text("SELECT pg_advisory_xact_lock(:key, hashtext(:name))"), {"key": _LOCK, "name": automation})


def split_history(tx: Tx, automation: str) -> list[TrafficSplit]:
    """Return every split of an automation, newest first."""
    mine = select(traffic_splits).where(traffic_splits.c.automation == automation)
    return [_split(row) for row in tx.execute(mine.order_by(traffic_splits.c.number.desc()))]


def find_split(tx: Tx, automation: str) -> TrafficSplit | None:
    """Return the newest split, or None if there is none."""
    mine = select(traffic_splits).where(traffic_splits.c.automation == automation)
    row = tx.execute(mine.order_by(traffic_splits.c.number.desc()).limit(1)).one_or_none()
    return None if row is None else _split(row)


def add_split(tx: Tx, split: TrafficSplit) -> None:
    """Write the next split of an automation; lock the automation first."""
    tx.execute(
        insert(traffic_splits).values(
            automation=split.automation,
            number=split.number,
            model=split.model,
            salt=split.salt,
            shares={str(candidate): share for candidate, share in split.shares.items()},
            shadows=[str(candidate) for candidate in split.shadows],
            set_by=split.set_by,
            reason=split.reason,
            set_at=split.set_at,
            places={str(candidate): ranges for candidate, ranges in split.places.items()},
            unit=split.unit,
        )
    )


def set_lease(tx: Tx, lease: TrafficLease) -> None:
    """Write the lease of an automation's traffic."""
    values = {"split": lease.split, "holder": lease.holder, "expires_at": lease.expires_at}
    made = upsert(traffic_leases).values(automation=lease.automation, **values)
    tx.execute(made.on_conflict_do_update(index_elements=["automation"], set_=values))


def leases(tx: Tx) -> list[TrafficLease]:
    """Return the lease of every automation that ever had one."""
    return [TrafficLease(**row._mapping) for row in tx.execute(select(traffic_leases))]


def transaction_of(tx: Tx) -> int:
    """Return the number of this transaction; of two that write one after the other, the later has the higher."""
    return int(tx.execute(text("SELECT CAST(CAST(pg_current_xact_id() AS text) AS bigint)")).scalar_one())


def said_after(tx: Tx, automation: str, arm: str, position: int, limit: int) -> tuple[list[ShadowPrediction], int]:
    """Return the predictions of one shadow that later transactions wrote, each one's whole, and the last's number.

    Transactions that may still write are left for later, with all that follow them.
    """
    c = shadow_predictions.c
    oldest = text("CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint)")
    mine = (c.automation == automation) & (c.arm == arm) & (position < _WRITTEN_IN) & (oldest > _WRITTEN_IN)
    ends = select(_WRITTEN_IN).where(mine).order_by(_WRITTEN_IN).limit(limit).subquery()
    last = tx.execute(select(func.max(ends.c.written_in))).scalar_one()
    if last is None:
        return [], position
    query = select(shadow_predictions).where(mine, last >= _WRITTEN_IN).order_by(_WRITTEN_IN, c.decision_id)
    return [ShadowPrediction(**row._mapping) for row in tx.execute(query)], int(last)


def said_beside(tx: Tx, arm: str, decisions: Sequence[UUID]) -> dict[UUID, ShadowPrediction]:
    """Return one shadow's predictions for these decisions; those that it did not see are omitted."""
    c = shadow_predictions.c
    query = select(shadow_predictions).where(c.decision_id.in_(decisions), c.arm == arm)
    return {row.decision_id: ShadowPrediction(**row._mapping) for row in tx.execute(query)}


def shadows_of(tx: Tx, decision_id: UUID) -> list[ShadowPrediction]:
    """Return each shadow's prediction of a decision, by arm."""
    mine = select(shadow_predictions).where(shadow_predictions.c.decision_id == decision_id)
    order = (shadow_predictions.c.model_version, shadow_predictions.c.arm)
    return [ShadowPrediction(**row._mapping) for row in tx.execute(mine.order_by(*order))]


def newest_said(tx: Tx, automation: str, arm: str, since: datetime, limit: int) -> dict[UUID, str]:
    """Return the outcomes of one shadow for the newest decisions it saw."""
    c = shadow_predictions.c
    mine = (c.automation == automation) & (c.arm == arm) & (c.predicted_at >= since) & c.outcome.is_not(None)
    query = select(c.decision_id, c.outcome).where(mine).order_by(c.predicted_at.desc()).limit(limit)
    return {row.decision_id: row.outcome for row in tx.execute(query)}


def summary_of(tx: Tx, automation: str, arm: str, since: datetime) -> ShadowSummary:
    """Return a summary of one shadow's predictions since a moment."""
    c = shadow_predictions.c
    mine = (c.automation == automation) & (c.arm == arm) & (c.predicted_at >= since)
    figures = select(func.count(), func.count(c.error), func.avg(c.score), func.avg(c.confidence)).where(mine)
    count, errors, score, confidence = tx.execute(figures).one()
    counted = select(c.outcome, func.count().label("times")).where(mine & c.outcome.is_not(None)).group_by(c.outcome)
    outcomes = {str(row.outcome): int(row.times) for row in tx.execute(counted.order_by(c.outcome))}
    return ShadowSummary(automation, arm, since, count, errors, outcomes, score, confidence)


def _split(row: Row[Any]) -> TrafficSplit:
    shadows: Sequence[str] = row.shadows
    return TrafficSplit(
        automation=row.automation,
        model=row.model,
        number=row.number,
        shares={Candidate.parse(candidate): float(share) for candidate, share in row.shares.items()},
        shadows=tuple(map(Candidate.parse, shadows)),
        set_by=row.set_by,
        reason=row.reason,
        set_at=row.set_at,
        places={Candidate.parse(candidate): tuple(map(tuple, ranges)) for candidate, ranges in row.places.items()},
        salt=row.salt,
        unit=row.unit,
    )
