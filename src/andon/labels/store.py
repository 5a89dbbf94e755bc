"""All SQL about labels. Never commits."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Row, Uuid, any_, cast, insert, select, text

from andon.kernel.db import Tx
from andon.labels.domain import Label, LabelSource
from andon.labels.tables import labels


def add(tx: Tx, label: Label) -> None:
    """Write one label."""
    values = {
        "id": label.id,
        "decision_id": label.decision_id,
        "automation": label.automation,
        "said": label.said,
        "value": label.value,
        "source": label.source,
        "probability": label.probability,
        "recorded_by": label.by,
        "known_at": label.known_at,
        "recorded_at": label.recorded_at,
        "corrects": label.corrects,
        "reason": label.reason,
    }
    tx.execute(insert(labels).values(values))


def add_all(tx: Tx, new: Sequence[Label]) -> None:
    """Write labels in one statement; none of them is an explicit correction."""
    columns = {
        "id": ("uuid", [str(label.id) for label in new]),
        "decision_id": ("uuid", [str(label.decision_id) for label in new]),
        "automation": ("text", [label.automation for label in new]),
        "said": ("text", [label.said for label in new]),
        "value": ("text", [label.value for label in new]),
        "source": ("text", [label.source.value for label in new]),
        "probability": ("double precision", [label.probability for label in new]),
        "recorded_by": ("text", [label.by for label in new]),
        "known_at": ("timestamptz", [label.known_at for label in new]),
        "recorded_at": ("timestamptz", [label.recorded_at for label in new]),
    }
    arrays = ", ".join(f"CAST(:{name} AS {kind}[])" for name, (kind, _) in columns.items())
    statement = text(f"INSERT INTO labels ({', '.join(columns)}) SELECT * FROM unnest({arrays})")
    tx.execute(statement, {name: values for name, (_, values) in columns.items()})


def imported(tx: Tx, automation: str, first: UUID, last: UUID, at: datetime) -> list[Label]:
    """Return the labels that one import recorded, by id."""
    c = labels.c
    query = select(labels).where(c.automation == automation, c.id.between(first, last), c.recorded_at == at)
    return [_label(row) for row in tx.execute(query.order_by(c.id))]


def hold(tx: Tx, automations: Collection[str]) -> None:
    """Lock the labels of these automations until the transaction ends. Call it before writing an audit entry."""
    for name in sorted(automations):
        tx.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": f"andon.labels/{name}"})


def of_decision(tx: Tx, decision_id: UUID) -> list[Label]:
    """Return all labels of one decision, oldest first."""
    return of_decisions(tx, [decision_id]).get(decision_id, [])


def of_decisions(tx: Tx, ids: Sequence[UUID]) -> dict[UUID, list[Label]]:
    """Return the labels of these decisions, oldest first; decisions without any are left out."""
    wanted = labels.c.decision_id == any_(cast(list(ids), ARRAY(Uuid)))
    found: dict[UUID, list[Label]] = defaultdict(list)
    for row in tx.execute(select(labels).where(wanted).order_by(labels.c.recorded_at, labels.c.id)):
        found[row.decision_id].append(_label(row))
    return dict(found)


def labelled_between(tx: Tx, automation: str, first: UUID, end: UUID) -> dict[UUID, list[Label]]:
    """Return the labels of an automation's decisions with ids from `first` to before `end`, oldest first."""
    wanted = (labels.c.automation == automation, labels.c.decision_id >= first, labels.c.decision_id < end)
    found: dict[UUID, list[Label]] = defaultdict(list)
    for row in tx.execute(select(labels).where(*wanted).order_by(labels.c.recorded_at, labels.c.id)):
        found[row.decision_id].append(_label(row))
    return dict(found)


def decisions_between(tx: Tx, automation: str, first: UUID, last: UUID) -> list[UUID]:
    """Return the decisions that labels with ids from `first` to `last` are about, each once."""
    of = labels.c.id.between(first, last) & (labels.c.automation == automation)
    return list(tx.execute(select(labels.c.decision_id).where(of).distinct()).scalars())


def hours_between(tx: Tx, first: UUID, last: UUID) -> list[tuple[str, datetime]]:
    """Return the automations and hours of the decisions that the labels with ids from `first` to `last` are about."""
    query = text("""
        SELECT DISTINCT automation, date_bin('1 hour', to_timestamp(
            ('x' || left(replace(decision_id::text, '-', ''), 12))::bit(48)::bigint / 1000.0), '1970-01-01 00:00Z')
        FROM labels WHERE id BETWEEN :first AND :last
    """)
    return [(automation, hour) for automation, hour in tx.execute(query, {"first": first, "last": last})]


def labelled(tx: Tx, automation: str, first: UUID, end: UUID, limit: int) -> tuple[list[UUID], int]:
    """Return labelled decisions with ids from `first` to before `end`, ordered by random bits, and their number."""
    query = text("""
        SELECT decision_id, count(*) OVER () AS number FROM (
            SELECT DISTINCT decision_id FROM labels
            WHERE automation = :automation AND decision_id >= :first AND decision_id < :end
        ) found ORDER BY substring(uuid_send(decision_id) FROM 9) LIMIT :limit
    """)
    found = tx.execute(query, {"automation": automation, "first": first, "end": end, "limit": limit}).all()
    return [row.decision_id for row in found], found[0].number if found else 0


def lock(tx: Tx, label_id: UUID) -> None:
    """Lock one label until the transaction ends, so that other corrections of it come after."""
    tx.execute(select(labels.c.id).where(labels.c.id == label_id).with_for_update())


def _label(row: Row[Any]) -> Label:
    return Label(
        id=row.id,
        decision_id=row.decision_id,
        automation=row.automation,
        said=row.said,
        value=row.value,
        source=LabelSource(row.source),
        probability=row.probability,
        by=row.recorded_by,
        known_at=row.known_at,
        recorded_at=row.recorded_at,
        corrects=row.corrects,
        reason=row.reason,
    )
