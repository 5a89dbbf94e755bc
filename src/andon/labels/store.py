"""All SQL about labels. Never commits."""

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
