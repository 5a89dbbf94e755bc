"""SQL that reads the ledger."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import groupby
from math import log
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg
import structlog
from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Integer,
    Row,
    Text,
    Uuid,
    any_,
    case,
    cast,
    func,
    or_,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from andon.cord import LineState
from andon.decisions.domain import (
    LATENCY_BAND,
    RECORDED,
    DecisionFilter,
    DecisionRecord,
    DecisionTally,
    Stats,
    arm_name,
)
from andon.decisions.record import decode, digest_of, read
from andon.decisions.segments import number_or_boolean
from andon.decisions.shape import COLUMNS, DecisionRow
from andon.decisions.shaping import RECORDED_COLUMNS
from andon.decisions.tables import decisions
from andon.kernel.db import Tx
from andon.kernel.ids import floor_of

_log = structlog.get_logger(__name__)

_LATE = timedelta(minutes=1)
"""A decision counts in the step in which it was made if it was requested at most this long before."""

LedgerRow: TypeAlias = Row[Any]
"""A stored row of the ledger, with every column."""

_COLUMNS = [decisions.c[name] for name in COLUMNS]
_WHOLE = [*_COLUMNS, *(decisions.c[name] for name in ("writer", "seq", "salt", "record"))]

_UNLABELLED = decisions.c.label.is_(None) & decisions.c.score.is_not(None)
"""What was predicted before there was a column for the label; its record has it."""

_LISTED = [*_COLUMNS, case((_UNLABELLED, decisions.c.record)).label("record")]

_ARM = func.coalesce(
    decisions.c.arm,
    decisions.c.model + "@" + cast(decisions.c.model_version, Text) + "+" + func.left(decisions.c.policy_version, 12),
)
"""The arm, also of decisions made before there was a column for it."""

_LABEL = case(
    (_UNLABELLED, func.convert_from(decisions.c.record, "UTF8").cast(JSONB)["prediction"]["label"].astext),
    else_=decisions.c.label,
)
"""The predicted label, also of those decisions."""

_INPUT = func.convert_from(decisions.c.record, "UTF8").cast(JSONB)["input"]
"""The input, read from the record of each decision that the other conditions leave."""

_EQUAL = ("automation", "outcome", "rule", "model_version", "gate_revision", "line_state", "audit_drawn")
_FILTERED = {**{name: decisions.c[name] for name in _EQUAL}, "arm": _ARM, "label": _LABEL}
"""The fields that can be filtered by an equal value, with their expressions."""
_FETCH = (
    f"SELECT {', '.join(column.name for column in _WHOLE)} FROM decisions "
    "WHERE id = ANY($1::uuid[]) AND id BETWEEN $2 AND $3"
)

_RAW = ", ".join(f"uuid_send({name})" if field.type is UUID else name for name, field in RECORDED_COLUMNS.items())
_CLAIMED = (
    f"SELECT uuid_send(id), uuid_send(writer), seq, salt, record, {_RAW} FROM decisions "
    "WHERE id = ANY(%(ids)s::uuid[]) AND id BETWEEN %(first)s::uuid AND %(last)s::uuid"
)


def find(tx: Tx, decision_id: UUID) -> DecisionRecord | None:
    """Return the whole record of one decision, or None."""
    row = tx.execute(select(*_WHOLE).where(decisions.c.id == decision_id)).one_or_none()
    return None if row is None else _record(row)


def page(tx: Tx, wanted: DecisionFilter, *, limit: int, before: UUID | None = None) -> list[DecisionRow]:
    """Return decisions, newest first, older than `before`."""
    query = select(*_LISTED)
    known = None if wanted.search is None else _id_in(wanted.search)
    if known is not None:
        rows = tx.execute(query.where(decisions.c.id == known, *_conditions(replace(wanted, search=None))))
        found = [_row(values, record) for *values, record in rows]
        if found:
            return [row for row in found if before is None or row.id < before]
    query = query.where(*_conditions(wanted))
    if before is not None:
        query = query.where(decisions.c.id < before)
    rows = tx.execute(query.order_by(decisions.c.id.desc()).limit(limit))
    return [_row(values, record) for *values, record in rows]


def between(tx: Tx, first: UUID, last: UUID) -> list[DecisionRecord]:
    """Return the decisions with ids from `first` to `last`, in their order."""
    query = select(*_WHOLE).where(decisions.c.id.between(first, last)).order_by(decisions.c.id)
    return [_record(row) for row in tx.execute(query)]


def newest(tx: Tx, automation: str, limit: int) -> list[DecisionRecord]:
    """Return the last decisions of an automation, newest first."""
    query = select(*_WHOLE).where(decisions.c.automation == automation).order_by(decisions.c.id.desc()).limit(limit)
    return [_record(row) for row in tx.execute(query)]


def following(
    tx: Tx, automation: str, since: datetime, until: datetime, *, limit: int, after: UUID | None
) -> list[DecisionRecord]:
    """Return an automation's decisions requested between two moments, oldest first, after `after`."""
    query = select(*_WHOLE).where(decisions.c.automation == automation, decisions.c.id < floor_of(until))
    query = query.where(decisions.c.id >= floor_of(since) if after is None else decisions.c.id > after)
    return [_record(row) for row in tx.execute(query.order_by(decisions.c.id).limit(limit))]


def with_input(
    tx: Tx, automation: str, field: str, value: str, since: datetime, until: datetime, limit: int
) -> list[DecisionRecord]:
    """Return the newest decisions requested between two moments whose input has this value in a field.

    It reads all decisions in between.
    """
    given = _INPUT[field].astext
    query = select(*_WHOLE).where(
        decisions.c.automation == automation,
        decisions.c.id >= floor_of(since),
        decisions.c.id < floor_of(until),
        given == value,
    )
    return [_record(row) for row in tx.execute(query.order_by(decisions.c.id.desc()).limit(limit))]


def stats(tx: Tx, since: datetime, until: datetime, automations: Sequence[str] | None) -> Stats:
    """Return counts and latency percentiles of the decisions requested between two moments."""
    scope: list[ColumnElement[bool]] = [decisions.c.id >= floor_of(since), decisions.c.id < floor_of(until)]
    if automations is not None:
        scope.append(decisions.c.automation.in_(automations))
    latency = func.percentile_cont([0.5, 0.95, 0.99]).within_group(decisions.c.latency_us)
    total, percentiles = tx.execute(select(func.count(), latency).where(*scope)).one()
    outcomes = select(decisions.c.outcome, func.count().label("n")).where(*scope).group_by(decisions.c.outcome)
    counted = {row.outcome: row.n for row in tx.execute(outcomes)}
    p50, p95, p99 = (us / 1000 for us in percentiles) if percentiles else (None, None, None)
    automatic = total - counted.get("review", 0)
    return Stats(total, automatic, total / max((until - since).total_seconds(), 1e-9), p50, p95, p99, counted)


def tallies(tx: Tx, since: datetime, until: datetime, step: timedelta) -> list[DecisionTally]:
    """Return the number of decisions and their latencies, for each step (from 1970) and automation."""
    bucket = func.date_bin(step, decisions.c.decided_at, datetime.fromtimestamp(0, tz=UTC)).label("at")
    band = cast(func.floor(func.ln(func.greatest(decisions.c.latency_us, 1)) / log(LATENCY_BAND)), Integer).label(
        "band"
    )
    automatic = func.count().filter(decisions.c.outcome != "review").label("automatic")
    query = (
        select(bucket, decisions.c.automation, band, func.count().label("n"), automatic)
        .where(decisions.c.id >= floor_of(since - _LATE), decisions.c.id < floor_of(until))
        .where(decisions.c.decided_at >= since, decisions.c.decided_at < until)
        .group_by(bucket, decisions.c.automation, band)
        .order_by(bucket, decisions.c.automation)
    )
    return [_tally(at, automation, list(rows)) for (at, automation), rows in groupby(tx.execute(query), _step_of)]


def find_all(tx: Tx, ids: Sequence[UUID]) -> dict[UUID, DecisionRecord]:
    """Return the whole records of these decisions; missing ones are left out."""
    if not ids:
        return {}
    query = select(*_WHOLE).where(decisions.c.id.in_(ids), decisions.c.id.between(min(ids), max(ids)))
    return {row.id: _record(row) for row in tx.execute(query)}


async def fetch_all(connection: asyncpg.Connection, ids: Collection[UUID]) -> dict[UUID, DecisionRecord]:
    """Return the same as `find_all`, by asyncpg, for callers that read hundreds at once.

    A record that cannot be read is left out and logged.
    """
    if not ids:
        return {}
    found = {}
    for row in await connection.fetch(_FETCH, list(ids), min(ids), max(ids)):
        try:
            found[row["id"]] = _record(row)
        except ValueError:
            _log.error("ledger.record_unreadable", decision_id=str(row["id"]))
    return found


def rows_of(tx: Tx, ids: Sequence[UUID]) -> dict[UUID, DecisionRow]:
    """Return the rows of these decisions; missing ones are left out.

    There may be more ids than a statement may have parameters.
    """
    wanted = decisions.c.id == any_(cast(list(ids), ARRAY(Uuid)))
    query = select(*_LISTED).where(wanted, decisions.c.id.between(min(ids), max(ids)))
    return {row.id: row for row in (_row(values, record) for *values, record in tx.execute(query))}


def sample(tx: Tx, automation: str, outcome: str, since: datetime, until: datetime, limit: int) -> list[DecisionRow]:
    """Return decisions with an outcome, requested between two moments, by the random part of their ids."""
    c = decisions.c
    query = select(*_LISTED).where(c.automation == automation, c.outcome == outcome)
    query = query.where(c.id >= floor_of(since), c.id < floor_of(until))
    drawn = func.substring(func.uuid_send(c.id), 9)
    return [_row(values, record) for *values, record in tx.execute(query.order_by(drawn).limit(limit))]


def outcomes_of(tx: Tx, ids: Sequence[UUID]) -> dict[UUID, str]:
    """Return the outcome of each of these decisions; missing ones are left out."""
    c = decisions.c
    query = select(c.id, c.outcome).where(c.id.in_(ids), c.id.between(min(ids), max(ids)))
    return {row.id: row.outcome for row in tx.execute(query)}


def scores_of(tx: Tx, ids: Sequence[UUID]) -> dict[UUID, float | None]:
    """Return the score of each of these decisions; None if no model predicted. Missing ones are left out."""
    c = decisions.c
    query = select(c.id, c.score).where(c.id.in_(ids), c.id.between(min(ids), max(ids)))
    return {row.id: row.score for row in tx.execute(query)}


def claimed_raw(tx: Tx, ids: Sequence[str]) -> list[tuple[Any, ...]]:
    """Return the rows of these decisions (hexadecimal ids) as they come from the driver.

    A row holds id, writer, seq, salt, record and RECORDED_COLUMNS. Identifiers are their 16 bytes. The function reads
    hundreds of thousands of rows; SQLAlchemy's own work for each row would cost more than the rest.
    """
    if not ids:
        return []
    with tx.connection.driver_connection.cursor(binary=True) as cursor:  # type: ignore[union-attr]
        cursor.execute(_CLAIMED, {"ids": f"{{{','.join(ids)}}}", "first": min(ids), "last": max(ids)})
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def count_all(tx: Tx) -> int:
    """Count the decisions."""
    return int(tx.execute(select(func.count()).select_from(decisions)).scalar_one())


def unclaimed_rows(tx: Tx) -> Iterator[LedgerRow]:
    """Yield decisions that name a leaf of the audit log which does not exist or does not hold them.

    A leaf of a group holds 48 bytes for each decision: one holds an id only where such a record begins.
    """
    query = text(
        "SELECT d.id, d.writer, d.seq FROM decisions d LEFT JOIN audit_entries e ON e.writer = d.writer AND "
        "e.seq = d.seq "
        "WHERE e.writer IS NULL OR e.action <> :recorded OR e.writer = '00000000-0000-0000-0000-000000000000' "
        "OR NOT EXISTS (SELECT 1 FROM generate_series(1, octet_length(e.body) - 47, 48) AS at "
        "WHERE substring(e.body FROM at FOR 16) = uuid_send(d.id))"
    )
    yield from tx.execute(query, {"recorded": RECORDED}, execution_options={"yield_per": 1000})


def _conditions(wanted: DecisionFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.automations is not None:
        conditions.append(decisions.c.automation.in_(wanted.automations))
    for name, column in _FILTERED.items():
        value = getattr(wanted, name)
        if value is not None:
            conditions.append(column == value)
    for field, value in (wanted.segment or {}).items():
        other = number_or_boolean(value)
        same = _INPUT[field].astext == value
        conditions.append(same if other is None else or_(same, _INPUT.contains({field: other})))
    if wanted.since is not None:
        conditions.append(decisions.c.id >= floor_of(wanted.since))
    if wanted.until is not None:
        conditions.append(decisions.c.id < floor_of(wanted.until))
    if wanted.search is not None:
        conditions.append(decisions.c.correlation_id == wanted.search)
    return conditions


def _id_in(search: str) -> UUID | None:
    """Return the decision id in a search; None if it is not an id."""
    try:
        return UUID(search)
    except ValueError:
        return None


def _step_of(row: Row[Any]) -> tuple[datetime, str]:
    return row.at, row.automation


def _tally(at: datetime, automation: str, rows: Sequence[Row[Any]]) -> DecisionTally:
    return DecisionTally(
        at=at,
        automation=automation,
        decisions=sum(row.n for row in rows),
        automatic=sum(row.automatic for row in rows),
        latencies={row.band: row.n for row in rows},
    )


def _row(listed: Sequence[Any], record: bytes | None) -> DecisionRow:
    """Build a row from the values of _COLUMNS. Values that an older decision lacks come from others, or its record."""
    values = dict(zip(COLUMNS, listed, strict=True))
    values["line_state"] = LineState(values["line_state"])
    if values["arm"] is None:
        values["arm"] = arm_name(values["model"], values["model_version"], values["policy_version"])
    if values["label"] is None and values["score"] is not None and record is not None:
        values["label"] = decode(record)["prediction"]["label"]
    return DecisionRow(**values)


def _record(columns: Iterable[Any]) -> DecisionRecord:
    """Build a record from the columns of _WHOLE."""
    *listed, writer, seq, salt, record = columns
    return DecisionRecord(
        row=_row(listed, record),
        writer=writer,
        seq=seq,
        salt=salt,
        record=read(record),
        digest=digest_of(salt, record).hex(),
    )
