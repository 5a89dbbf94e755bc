"""All SQL of proofs: what waits, evidence, traffic, the states of provers. Never commits."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from andon.kernel.db import Tx
from andon.proofs.domain import GateEvidence, SeriesKey

_TAKE = text("""
DELETE FROM proof_pending WHERE id IN (
    SELECT id FROM proof_pending WHERE due_at <= :now ORDER BY due_at, id LIMIT :limit FOR UPDATE SKIP LOCKED
) RETURNING decision_id
""")

_PUT = text("""
INSERT INTO proof_evidence AS e (
    decision_id, automation, arm, segment, predicted, actual, confidence, propensity, floor,
    part_floor, automatic, audited, counted_at)
VALUES (:decision_id, :automation, :arm, CAST(:segment AS jsonb), :predicted, :actual, :confidence, :propensity, :floor,
    :part_floor, :automatic, :audited, :now)
ON CONFLICT (decision_id) DO UPDATE SET
    actual = excluded.actual, propensity = excluded.propensity, floor = excluded.floor,
    part_floor = excluded.part_floor, audited = excluded.audited
WHERE (e.actual, e.propensity, e.floor, e.part_floor) IS DISTINCT FROM
    (excluded.actual, excluded.propensity, excluded.floor, excluded.part_floor)
RETURNING xmax <> 0 AS changed
""")

_COUNT = text("""
INSERT INTO proof_traffic AS t (automation, arm, day, segment, predicted, level, decisions)
VALUES (:automation, :arm, :day, CAST(:segment AS jsonb), :predicted, :level, :decisions)
ON CONFLICT (automation, arm, day, segment, predicted, level) DO UPDATE SET decisions = t.decisions + excluded.decisions
""")

_SLICE = text("""
INSERT INTO proof_slices AS s (automation, arm, day, segment, gate_revision, decisions, automatic, least_audit,
    least_unheard)
VALUES (
    :automation, :arm, :day, CAST(:segment AS jsonb), :gate_revision, :decisions, :automatic,
    :least_audit, :least_unheard
)
ON CONFLICT (automation, arm, day, segment, gate_revision) DO UPDATE SET decisions = s.decisions + excluded.decisions,
    automatic = s.automatic + excluded.automatic, least_audit = least(s.least_audit, excluded.least_audit),
    least_unheard = least(s.least_unheard, excluded.least_unheard)
""")

_SAVE = text("""
INSERT INTO proof_states (automation, arm, segment, predicted, bound, state, upto, proof, labelled_at, proven_at)
VALUES (:automation, :arm, CAST(:segment AS jsonb), :predicted, CAST(:bound AS jsonb), CAST(:state AS jsonb), :upto,
    CAST(:proof AS jsonb), :labelled_at, :now)
ON CONFLICT (automation, arm, segment, predicted) DO UPDATE SET bound = excluded.bound, state = excluded.state,
    upto = excluded.upto, proof = excluded.proof, labelled_at = excluded.labelled_at, proven_at = excluded.proven_at
""")


@dataclass(frozen=True, slots=True)
class SavedProof:
    """The saved prover of a series, the last evidence in it, and its proof at that time."""

    key: SeriesKey
    bound: Mapping[str, Any]
    state: Mapping[str, Any]
    upto: int
    proof: Mapping[str, Any]
    labelled_at: datetime | None
    proven_at: datetime


@dataclass(frozen=True, slots=True)
class ArmEvidence:
    """An arm with evidence: its newest, and the last that its prover of the whole line has seen."""

    automation: str
    arm: str
    newest: int
    upto: int


@dataclass(frozen=True, slots=True)
class SliceCount:
    """The automatic decisions under one gate revision on one day, and the least probability of their audit.

    `least_unheard` is that of decisions whose silence is not a label; None if there was none.
    """

    segment: Mapping[str, Any]
    gate_revision: int
    decisions: int
    automatic: int
    least_audit: float | None
    least_unheard: float | None


def take_pending(tx: Tx, now: datetime, limit: int) -> list[UUID]:
    """Take due decisions whose labels changed."""
    return list(dict.fromkeys(tx.execute(_TAKE, {"now": now, "limit": limit}).scalars()))


def postpone(tx: Tx, decision_id: UUID, until: datetime) -> None:
    """Have a decision looked at again."""
    statement = text("INSERT INTO proof_pending (decision_id, due_at) VALUES (:decision_id, :until)")
    tx.execute(statement, {"decision_id": decision_id, "until": until})


def put_evidence(tx: Tx, one: GateEvidence, now: datetime) -> bool:
    """Write a decision's evidence. Return True if it differs from before."""
    values = {name: getattr(one, name) for name in GateEvidence.__dataclass_fields__}
    row = tx.execute(_PUT, {**values, "segment": _json(one.segment), "now": now}).one_or_none()
    return row is not None and bool(row.changed)


def drop_evidence(tx: Tx, decision_id: UUID) -> bool:
    """Delete a decision's evidence. Return True if there was any."""
    statement = text("DELETE FROM proof_evidence WHERE decision_id = :decision_id")
    return tx.execute(statement, {"decision_id": decision_id}).rowcount == 1


def known_among(tx: Tx, ids: Sequence[UUID]) -> set[UUID]:
    """Return those of these decisions that already have evidence."""
    statement = text("SELECT decision_id FROM proof_evidence WHERE decision_id = ANY(CAST(:ids AS uuid[]))")
    return set(tx.execute(statement, {"ids": [str(one) for one in ids]}).scalars())


def evidence_after(tx: Tx, automation: str, arm: str, after: int, limit: int) -> list[tuple[int, GateEvidence]]:
    """Return the evidence of an arm after a position, in the order in which it became known."""
    statement = text(
        "SELECT * FROM proof_evidence WHERE automation = :automation AND arm = :arm AND position > :after "
        "ORDER BY position LIMIT :limit"
    )
    rows = tx.execute(statement, {"automation": automation, "arm": arm, "after": after, "limit": limit})
    names = GateEvidence.__dataclass_fields__
    return [(row.position, GateEvidence(**{name: getattr(row, name) for name in names})) for row in rows]


def first_counting(tx: Tx, automation: str, arm: str, kept: int) -> int:
    """Return the position before the newest `kept` pieces of evidence of an arm; 0 if there are fewer."""
    statement = text(
        "SELECT position FROM proof_evidence WHERE automation = :automation AND arm = :arm "
        "ORDER BY position DESC OFFSET :kept LIMIT 1"
    )
    found = tx.execute(statement, {"automation": automation, "arm": arm, "kept": kept}).scalar_one_or_none()
    return 0 if found is None else int(found)


def arms_with_evidence(tx: Tx) -> list[ArmEvidence]:
    """Return every arm with evidence."""
    statement = text(
        "SELECT a.automation, a.arm, e.position AS newest, coalesce(s.upto, 0) AS upto "
        "FROM (SELECT DISTINCT automation, arm FROM gate_pointers) a "
        "CROSS JOIN LATERAL (SELECT position FROM proof_evidence p WHERE p.automation = a.automation AND p.arm = a.arm "
        "ORDER BY position DESC LIMIT 1) e "
        "LEFT JOIN proof_states s ON s.automation = a.automation AND s.arm = a.arm AND s.segment = '{}' AND "
        "s.predicted = '' ORDER BY a.automation, a.arm"
    )
    return [ArmEvidence(*row) for row in tx.execute(statement)]


def labels_since(tx: Tx, automation: str, arm: str, since: datetime) -> list[tuple[float, bool, int]]:
    """Return the number of labels since a moment, by confidence, rounded down to a hundredth, and automatic or not."""
    statement = text(
        "SELECT floor(confidence * 100) / 100 AS confidence, automatic, count(*) AS labels FROM proof_evidence "
        "WHERE automation = :automation AND arm = :arm AND counted_at >= :since GROUP BY 1, 2"
    )
    rows = tx.execute(statement, {"automation": automation, "arm": arm, "since": since})
    return [(float(row.confidence), row.automatic, row.labels) for row in rows]


def labels_in(tx: Tx, automation: str, arm: str, segment: Mapping[str, Any]) -> int:
    """Return how many decisions of a segment have evidence."""
    statement = text(
        "SELECT count(*) FROM proof_evidence WHERE automation = :automation AND arm = :arm AND segment = "
        "CAST(:segment AS jsonb)"
    )
    values = {"automation": automation, "arm": arm, "segment": _json(segment)}
    return int(tx.execute(statement, values).scalar_one())


def labels_above(tx: Tx, key: SeriesKey, threshold: float, since: int) -> tuple[int, int]:
    """Return how many labels of a series lie above a threshold and after a position, and how many are audits."""
    statement = text(
        "SELECT count(*) AS labels, count(*) FILTER (WHERE audited) AS audits FROM proof_evidence "
        "WHERE automation = :automation AND arm = :arm AND position > :since AND confidence >= :threshold "
        "AND segment @> CAST(:segment AS jsonb) AND (:predicted = '' OR predicted = :predicted)"
    )
    values = {"automation": key.automation, "arm": key.arm, "predicted": key.predicted, "segment": _json(key.segment)}
    row = tx.execute(statement, {**values, "threshold": threshold, "since": since}).one()
    return row.labels, row.audits


def has_outside_labels(tx: Tx, automation: str, arm: str) -> bool:
    """Return whether labels from outside arrived for automatic decisions of an arm."""
    statement = text(
        "SELECT EXISTS (SELECT FROM proof_evidence WHERE automation = :automation AND arm = :arm AND automatic AND "
        "NOT audited)"
    )
    return bool(tx.execute(statement, {"automation": automation, "arm": arm}).scalar_one())


def begin_anew(tx: Tx, automation: str, arm: str) -> None:
    """Mark the provers of an arm for a restart."""
    statement = text("INSERT INTO proof_anew VALUES (:automation, :arm) ON CONFLICT DO NOTHING")
    tx.execute(statement, {"automation": automation, "arm": arm})


def take_anew(tx: Tx) -> set[tuple[str, str]]:
    """Take the arms whose provers are marked for a restart."""
    return {(row.automation, row.arm) for row in tx.execute(text("DELETE FROM proof_anew RETURNING automation, arm"))}


def count_traffic(tx: Tx, rows: Iterable[Mapping[str, Any]]) -> None:
    """Add decisions by confidence."""
    values = [{**row, "segment": _json(row["segment"])} for row in rows]
    if values:
        tx.execute(_COUNT, values)


def count_slices(tx: Tx, rows: Iterable[Mapping[str, Any]]) -> None:
    """Add decisions by gate revision."""
    values = [{**row, "segment": _json(row["segment"])} for row in rows]
    if values:
        tx.execute(_SLICE, values)


def slices_of(tx: Tx, automation: str, arm: str, day: date) -> list[SliceCount]:
    """Return the slices of an arm on a day."""
    statement = text(
        "SELECT segment, gate_revision, decisions, automatic, least_audit, least_unheard FROM proof_slices "
        "WHERE automation = :automation AND arm = :arm AND day = :day"
    )
    return [SliceCount(*row) for row in tx.execute(statement, {"automation": automation, "arm": arm, "day": day})]


def traffic_of(tx: Tx, key: SeriesKey, since: date) -> dict[int, int]:
    """Return how many decisions of a series reached each exact number of thresholds, since a day."""
    statement = text(
        "SELECT level, sum(decisions) AS decisions FROM proof_traffic WHERE automation = :automation AND arm = :arm "
        "AND day >= :since AND segment @> CAST(:segment AS jsonb) AND (:predicted = '' OR predicted = :predicted) "
        "GROUP BY level"
    )
    values = {"automation": key.automation, "arm": key.arm, "since": since, "predicted": key.predicted}
    rows = tx.execute(statement, {**values, "segment": _json(key.segment)})
    return {row.level: int(row.decisions) for row in rows}


def daily(tx: Tx, automation: str, arm: str, since: date) -> tuple[int, int, int]:
    """Return on how many days an arm decided since a day, the number of decisions, and of automatic ones."""
    statement = text(
        "SELECT count(DISTINCT day) AS days, coalesce(sum(decisions), 0) AS decisions, coalesce(sum(automatic), 0) "
        "AS automatic FROM proof_slices WHERE automation = :automation AND arm = :arm AND day >= :since"
    )
    row = tx.execute(statement, {"automation": automation, "arm": arm, "since": since}).one()
    return row.days, int(row.decisions), int(row.automatic)


def forget_traffic(tx: Tx, before: date) -> None:
    """Forget what was counted before a day."""
    for table in ("proof_traffic", "proof_slices"):
        tx.execute(text(f"DELETE FROM {table} WHERE day < :before"), {"before": before})


def saved(tx: Tx, automation: str, arm: str) -> dict[tuple[str, str], SavedProof]:
    """Return the saved provers of an arm, by segment (as JSON) and predicted class."""
    statement = text("SELECT * FROM proof_states WHERE automation = :automation AND arm = :arm")
    found = {}
    for row in tx.execute(statement, {"automation": automation, "arm": arm}):
        key = SeriesKey(row.automation, row.arm, row.segment, row.predicted)
        found[_json(row.segment), row.predicted] = SavedProof(
            key, row.bound, row.state, row.upto, row.proof, row.labelled_at, row.proven_at
        )
    return found


def save(tx: Tx, one: SavedProof) -> None:
    """Save a prover."""
    tx.execute(
        _SAVE,
        {
            "automation": one.key.automation,
            "arm": one.key.arm,
            "segment": _json(one.key.segment),
            "predicted": one.key.predicted,
            "bound": _json(one.bound),
            "state": _json(one.state),
            "upto": one.upto,
            "proof": _json(one.proof),
            "labelled_at": one.labelled_at,
            "now": one.proven_at,
        },
    )


def forget_states(tx: Tx, automation: str, arm: str) -> None:
    """Forget the provers of an arm."""
    statement = text("DELETE FROM proof_states WHERE automation = :automation AND arm = :arm")
    tx.execute(statement, {"automation": automation, "arm": arm})


def sweep_of(tx: Tx, automation: str) -> tuple[UUID | None, datetime] | None:
    """Return how far the matured decisions of an automation were looked at."""
    statement = text("SELECT upto, swept_to FROM proof_sweeps WHERE automation = :automation FOR UPDATE")
    row = tx.execute(statement, {"automation": automation}).one_or_none()
    return None if row is None else (row.upto, row.swept_to)


def put_sweep(tx: Tx, automation: str, upto: UUID | None, swept_to: datetime) -> None:
    """Note how far they were looked at."""
    statement = text(
        "INSERT INTO proof_sweeps VALUES (:automation, :upto, :swept_to) "
        "ON CONFLICT (automation) DO UPDATE SET upto = excluded.upto, swept_to = excluded.swept_to"
    )
    tx.execute(statement, {"automation": automation, "upto": upto, "swept_to": swept_to})


def json_of(segment: Mapping[str, Any]) -> str:
    """Return a segment as the text that keys `saved`."""
    return _json(segment)


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
