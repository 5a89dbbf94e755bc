"""All SQL about measures. Never commits."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Uuid, any_, cast, func, insert, select, text
from sqlalchemy.dialects.postgresql import distinct_on

from andon.kernel.db import Tx
from andon.measures.domain import Cell, Grouping, MeasureSum
from andon.measures.tables import measure_reports, measure_sums, measure_values

Key: TypeAlias = tuple[UUID, str]
"""A decision and the name of a measure."""

Addition: TypeAlias = tuple[int, int, Decimal]
"""An addition to a cell: decisions, counted ones, and their total."""

_ADD = text("""
INSERT INTO measure_sums AS s (automation, measure, unit, day, arm, segment, decisions, counted, total)
VALUES (:automation, :measure, :unit, :day, :arm, CAST(:segment AS jsonb), :decisions, :counted, :total)
ON CONFLICT (automation, day, measure, unit, arm, segment) DO UPDATE SET decisions = s.decisions + excluded.decisions,
    counted = s.counted + excluded.counted, total = s.total + excluded.total
""")

_KEEP = text("""
INSERT INTO measure_values (decision_id, measure, value) VALUES (:decision_id, :measure, :value)
ON CONFLICT (decision_id, measure) DO UPDATE SET value = excluded.value
""")

_TAKE_DUE = text("""
DELETE FROM measure_recounts WHERE id IN (
    SELECT id FROM measure_recounts WHERE due_at <= :now ORDER BY due_at, id LIMIT :limit FOR UPDATE SKIP LOCKED
) RETURNING decisions
""")


def add(tx: Tx, additions: Mapping[Cell, Addition]) -> None:
    """Add to the sums, always in the same order."""
    rows = [
        {**asdict(cell), "decisions": decisions, "counted": counted, "total": total}
        for cell, (decisions, counted, total) in additions.items()
    ]
    if rows:
        tx.execute(
            _ADD,
            sorted(rows, key=lambda row: (row["automation"], row["measure"], row["day"], row["arm"], row["segment"])),
        )


def values_of(tx: Tx, ids: Sequence[UUID]) -> dict[Key, Decimal]:
    """Return the values of these decisions that may change."""
    found = tx.execute(select(measure_values).where(_among(measure_values.c.decision_id, ids)))
    return {(row.decision_id, row.measure): row.value for row in found}


def keep(tx: Tx, values: Mapping[Key, Decimal | None]) -> None:
    """Write values that may change; delete those that no longer exist."""
    kept = [
        {"decision_id": key[0], "measure": key[1], "value": value} for key, value in values.items() if value is not None
    ]
    gone = [{"decision_id": key[0], "measure": key[1]} for key, value in values.items() if value is None]
    if kept:
        tx.execute(_KEEP, kept)
    if gone:
        tx.execute(text("DELETE FROM measure_values WHERE decision_id = :decision_id AND measure = :measure"), gone)


def recount_at(tx: Tx, due_at: datetime, decisions: Sequence[UUID]) -> None:
    """Have these decisions measured again at a moment."""
    statement = text("INSERT INTO measure_recounts (due_at, decisions) VALUES (:due_at, CAST(:decisions AS uuid[]))")
    tx.execute(statement, {"due_at": due_at, "decisions": list(decisions)})


def take_due(tx: Tx, now: datetime, limit: int) -> list[list[UUID]]:
    """Take the decisions that are due to be measured again, in the groups in which they were written."""
    return [list(row.decisions) for row in tx.execute(_TAKE_DUE, {"now": now, "limit": limit})]


def add_reports(tx: Tx, reports: Sequence[Mapping[str, Any]]) -> None:
    """Write reports of other systems."""
    tx.execute(insert(measure_reports), [dict(report) for report in reports])


def standing_reports(tx: Tx, ids: Sequence[UUID]) -> dict[Key, tuple[Decimal, datetime]]:
    """Return, for each decision and measure, the report that became known last: its value and that time."""
    c = measure_reports.c
    query = select(c.decision_id, c.measure, c.value, c.known_at).ext(distinct_on(c.decision_id, c.measure))
    query = query.where(_among(c.decision_id, ids))
    query = query.order_by(c.decision_id, c.measure, c.known_at.desc(), c.recorded_at.desc(), c.id.desc())
    return {(row.decision_id, row.measure): (row.value, row.known_at) for row in tx.execute(query)}


def decisions_between(tx: Tx, automation: str, first: UUID, last: UUID) -> list[UUID]:
    """Return the decisions of an automation that reports with ids from `first` to `last` are about, each once."""
    c = measure_reports.c
    query = select(c.decision_id).where(c.id.between(first, last), c.automation == automation).distinct()
    return list(tx.execute(query).scalars())


def reported_in(
    tx: Tx, automation: str, measure: str, first: UUID, end: UUID, limit: int
) -> tuple[list[tuple[UUID, Decimal]], int]:
    """Return reported values of decisions from `first` to before `end`, by the random part of ids, and their count."""
    query = text("""
        SELECT decision_id, value, count(*) OVER () AS number FROM (
            SELECT DISTINCT ON (decision_id) decision_id, value FROM measure_reports
            WHERE automation = :automation AND measure = :measure AND decision_id >= :first AND decision_id < :end
            ORDER BY decision_id, known_at DESC, recorded_at DESC, id DESC
        ) found ORDER BY substring(uuid_send(decision_id) FROM 9) LIMIT :limit
    """)
    wanted = {"automation": automation, "measure": measure, "first": first, "end": end, "limit": limit}
    found = tx.execute(query, wanted).all()
    return [(row.decision_id, row.value) for row in found], found[0].number if found else 0


def sums(tx: Tx, automation: str, since: date, until: date, by: Grouping | None) -> list[MeasureSum]:
    """Return the sums of one automation from the day `since` to the day `until`, by measure and group."""
    c = measure_sums.c
    keys: dict[Grouping | None, ColumnElement[Any]] = {
        None: func.jsonb_build_object(),
        Grouping.DAY: func.jsonb_build_object("day", c.day),
        Grouping.ARM: func.jsonb_build_object("arm", c.arm),
        Grouping.VERSION: func.jsonb_build_object("version", func.split_part(c.arm, "+", 1)),
        Grouping.SEGMENT: c.segment,
    }
    group = keys[by].label("group")
    query = select(c.measure, c.unit, group, *_SUMMED).where(c.automation == automation, c.day.between(since, until))
    rows = tx.execute(query.group_by(c.measure, c.unit, group).order_by(c.measure, c.unit, group))
    return [
        MeasureSum(row.measure, row.unit, row.group, int(row.decisions), int(row.counted), row.total) for row in rows
    ]


def totals(tx: Tx) -> list[tuple[str, str, MeasureSum]]:
    """Return the sums of all time by automation and model version."""
    c = measure_sums.c
    version = func.split_part(c.arm, "+", 1).label("version")
    query = select(c.automation, c.measure, c.unit, version, *_SUMMED).group_by(
        c.automation, c.measure, c.unit, version
    )
    return [
        (
            row.automation,
            row.version,
            MeasureSum(
                row.measure, row.unit, {"version": row.version}, int(row.decisions), int(row.counted), row.total
            ),
        )
        for row in tx.execute(query)
    ]


_SUMMED = [func.sum(measure_sums.c[name]).label(name) for name in ("decisions", "counted", "total")]


def _among(column: ColumnElement[Any], ids: Sequence[UUID]) -> ColumnElement[bool]:
    return column == any_(cast(list(ids), ARRAY(Uuid)))
