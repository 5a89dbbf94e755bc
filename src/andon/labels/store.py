"""All SQL about labels. Never commits."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import insert, select

from andon.kernel.db import Tx
from andon.labels.domain import Label, LabelSource
from andon.labels.tables import labels


def add(tx: Tx, label: Label) -> None:
    """Write one label."""
    values = {
        "id": label.id,
        "decision_id": label.decision_id,
        "automation": label.automation,
        "value": label.value,
        "source": label.source,
        "weight": label.weight,
        "recorded_by": label.by,
        "recorded_at": label.recorded_at,
    }
    tx.execute(insert(labels).values(values))


def of_decision(tx: Tx, decision_id: UUID) -> list[Label]:
    """All labels of one decision, oldest first."""
    rows = tx.execute(select(labels).where(labels.c.decision_id == decision_id).order_by(labels.c.id))
    return [
        Label(
            id=row.id,
            decision_id=row.decision_id,
            automation=row.automation,
            value=row.value,
            source=LabelSource(row.source),
            weight=row.weight,
            by=row.recorded_by,
            recorded_at=row.recorded_at,
        )
        for row in rows
    ]


def newest_of(tx: Tx, ids: Sequence[UUID]) -> dict[UUID, tuple[str, float]]:
    """The value and weight of the newest label of each of these decisions that has one."""
    query = (
        select(labels.c.decision_id, labels.c.value, labels.c.weight)
        .where(labels.c.decision_id.in_(ids))
        .order_by(labels.c.id)
    )
    return {row.decision_id: (row.value, row.weight) for row in tx.execute(query)}
