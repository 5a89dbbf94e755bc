"""All SQL about measures. Never commits."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy import text

from andon.kernel.db import Tx
from andon.kernel.ids import floor_of
from andon.measures.domain import Cell, Grouping, MeasureSum

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

_REPORT = text("""
INSERT INTO measure_reports (id, decision_id, automation, measure, value, reported_by, known_at, recorded_at)
VALUES (:id, :decision_id, :automation, :measure, :value, :reported_by, :known_at, :recorded_at)
""")

_VERSION = "jsonb_build_object('version', split_part(arm, '+', 1))"
_GROUPS = {
    None: "jsonb_build_object()",
    Grouping.DAY: "jsonb_build_object('day', day)",
    Grouping.ARM: "jsonb_build_object('arm', arm)",
    Grouping.VERSION: _VERSION,
    Grouping.SEGMENT: "segment",
}
_SUMMED = "CAST(sum(decisions) AS bigint), CAST(sum(counted) AS bigint), sum(total)"

_TAKE_DUE = text("""
DELETE FROM measure_recounts WHERE id IN (
    SELECT id FROM measure_recounts WHERE due_at <= :now ORDER BY due_at, id LIMIT :limit FOR UPDATE SKIP LOCKED
) RETURNING decisions
""")


def hold(tx: Tx) -> None:
    """Let nobody else measure until the transaction ends: two who read the same value would both add the difference."""
    tx.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('andon.measures', 0))"))


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
    query = text("SELECT decision_id, measure, value FROM measure_values WHERE decision_id = ANY(:ids)")
    return {(row.decision_id, row.measure): row.value for row in tx.execute(query, {"ids": list(ids)})}


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
    tx.execute(_REPORT, reports)


def standing_reports(tx: Tx, ids: Sequence[UUID]) -> dict[Key, tuple[Decimal, datetime]]:
    """Return, for each decision and measure, the report that became known last: its value and that time."""
    query = text("""
        SELECT DISTINCT ON (decision_id, measure) decision_id, measure, value, known_at FROM measure_reports
        WHERE decision_id = ANY(:ids) ORDER BY decision_id, measure, known_at DESC, recorded_at DESC, id DESC
    """)
    found = tx.execute(query, {"ids": list(ids)})
    return {(row.decision_id, row.measure): (row.value, row.known_at) for row in found}


def decisions_between(tx: Tx, automation: str, first: UUID, last: UUID) -> list[UUID]:
    """Return the decisions of an automation that reports with ids from `first` to `last` are about, each once."""
    query = text("""
        SELECT DISTINCT decision_id FROM measure_reports
        WHERE id BETWEEN :first AND :last AND automation = :automation
    """)
    return list(tx.execute(query, {"automation": automation, "first": first, "last": last}).scalars())


def reported_of(tx: Tx, ids: Sequence[UUID]) -> Mapping[Key, float]:
    """Return the standing values that other systems report of these decisions, by decision and measure."""
    return {key: float(value) for key, (value, _) in standing_reports(tx, ids).items()} if ids else {}


def reported_in(
    tx: Tx, automation: str, measure: str, since: datetime, until: datetime, *, limit: int
) -> tuple[Mapping[UUID, float], int]:
    """Return reported values of decisions between two moments, at most `limit`, and the number of all.

    Which ones is drawn by the random part of their ids.
    """
    query = text("""
        SELECT decision_id, value, count(*) OVER () AS number FROM (
            SELECT DISTINCT ON (decision_id) decision_id, value FROM measure_reports
            WHERE automation = :automation AND measure = :measure AND decision_id >= :first AND decision_id < :end
            ORDER BY decision_id, known_at DESC, recorded_at DESC, id DESC
        ) found ORDER BY substring(uuid_send(decision_id) FROM 9) LIMIT :limit
    """)
    span = {"first": floor_of(since), "end": floor_of(until), "limit": limit}
    found = tx.execute(query, {"automation": automation, "measure": measure, **span}).all()
    return {row.decision_id: float(row.value) for row in found}, found[0].number if found else 0


def sums(tx: Tx, automation: str, since: date, until: date, by: Grouping | None = None) -> list[MeasureSum]:
    """Return the sums of an automation's measures over UTC days, both included; without `by`, one per measure."""
    query = text(f"""
        SELECT measure, unit, {_GROUPS[by]} AS grouped, {_SUMMED} FROM measure_sums
        WHERE automation = :automation AND day BETWEEN :since AND :until GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
    """)
    wanted = {"automation": automation, "since": since, "until": until}
    return [MeasureSum(*row) for row in tx.execute(query, wanted)]


def totals(tx: Tx) -> list[tuple[str, MeasureSum]]:
    """Return the sums of all time by model version, with their automation."""
    query = text(f"SELECT automation, measure, unit, {_VERSION}, {_SUMMED} FROM measure_sums GROUP BY 1, 2, 3, 4")
    return [(automation, MeasureSum(*one)) for automation, *one in tx.execute(query)]
