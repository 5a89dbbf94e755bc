"""All SQL about splits, and reading what shadows said (writing that is `shadows.py`). Takes and returns domain objects."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, insert, select, text
from sqlalchemy.dialects.postgresql import distinct_on

from andon.kernel.db import Tx
from andon.serving.domain import ShadowPrediction, ShadowSummary, TrafficSplit
from andon.serving.tables import shadow_predictions, traffic_splits

_LOCK = 0x73706C74
"""First key of the advisory lock on an endpoint's split."""


def lock(tx: Tx, endpoint: str) -> None:
    """Let one transaction at a time number the splits of this endpoint."""
    tx.execute(text("SELECT pg_advisory_xact_lock(:key, hashtext(:name))"), {"key": _LOCK, "name": endpoint})


def split_history(tx: Tx, endpoint: str) -> list[TrafficSplit]:
    """Every split of an endpoint, newest first."""
    mine = select(traffic_splits).where(traffic_splits.c.endpoint == endpoint)
    return [_split(row) for row in tx.execute(mine.order_by(traffic_splits.c.number.desc()))]


def find_split(tx: Tx, endpoint: str) -> TrafficSplit | None:
    """The split that holds, or None where none was made."""
    mine = select(traffic_splits).where(traffic_splits.c.endpoint == endpoint)
    row = tx.execute(mine.order_by(traffic_splits.c.number.desc()).limit(1)).one_or_none()
    return None if row is None else _split(row)


def list_splits(tx: Tx) -> list[TrafficSplit]:
    """The split that holds of each endpoint that has one."""
    newest = (
        select(traffic_splits)
        .ext(distinct_on(traffic_splits.c.endpoint))
        .order_by(traffic_splits.c.endpoint, traffic_splits.c.number.desc())
    )
    return [_split(row) for row in tx.execute(newest)]


def add_split(tx: Tx, split: TrafficSplit) -> None:
    """Write the next split of an endpoint; lock the endpoint first."""
    tx.execute(
        insert(traffic_splits).values(
            endpoint=split.endpoint,
            number=split.number,
            shares={str(version): share for version, share in split.shares.items()},
            shadows=list(split.shadows),
            set_by=split.set_by,
            reason=split.reason,
            set_at=split.set_at,
            places={str(version): ranges for version, ranges in split.places.items()},
        )
    )


def shadows_of(tx: Tx, decision_id: UUID) -> list[ShadowPrediction]:
    """What each shadow said beside a decision, by version."""
    mine = select(shadow_predictions).where(shadow_predictions.c.decision_id == decision_id)
    return [ShadowPrediction(**row._mapping) for row in tx.execute(mine.order_by(shadow_predictions.c.model_version))]


def newest_said(tx: Tx, endpoint: str, version: int, since: datetime, limit: int) -> dict[UUID, str]:
    """The outcomes that one shadow would have had, of the newest decisions it saw."""
    c = shadow_predictions.c
    mine = (c.endpoint == endpoint) & (c.model_version == version) & (c.predicted_at >= since) & c.outcome.is_not(None)
    query = select(c.decision_id, c.outcome).where(mine).order_by(c.predicted_at.desc()).limit(limit)
    return {row.decision_id: row.outcome for row in tx.execute(query)}


def summary_of(tx: Tx, endpoint: str, version: int, since: datetime) -> ShadowSummary:
    """What one shadow said since a moment, counted."""
    c = shadow_predictions.c
    mine = (c.endpoint == endpoint) & (c.model_version == version) & (c.predicted_at >= since)
    figures = select(func.count(), func.count(c.error), func.avg(c.score), func.avg(c.confidence)).where(mine)
    count, errors, score, confidence = tx.execute(figures).one()
    counted = select(c.outcome, func.count().label("times")).where(mine & c.outcome.is_not(None)).group_by(c.outcome)
    outcomes = {str(row.outcome): int(row.times) for row in tx.execute(counted.order_by(c.outcome))}
    return ShadowSummary(endpoint, version, since, count, errors, outcomes, score, confidence)


def _split(row: Row[Any]) -> TrafficSplit:
    shadows: Sequence[int] = row.shadows
    return TrafficSplit(
        endpoint=row.endpoint,
        number=row.number,
        shares={int(version): float(share) for version, share in row.shares.items()},
        shadows=tuple(shadows),
        set_by=row.set_by,
        reason=row.reason,
        set_at=row.set_at,
        places={int(version): tuple(map(tuple, ranges)) for version, ranges in row.places.items()},
    )
