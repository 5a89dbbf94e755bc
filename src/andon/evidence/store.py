"""All SQL of the evidence stream: cases, verdicts, counts of decisions, what waits. Never commits."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from andon.evidence.domain import AgedCase, OpenCase, json_of
from andon.evidence.judging import ClusterStanding, Floors
from andon.gates import GateSegment
from andon.kernel.db import Tx

_AGED = ", ".join(AgedCase.__dataclass_fields__)
_OPEN = ", ".join(OpenCase.__dataclass_fields__)

_GIVEN = ", ".join(
    "CAST(:segment AS jsonb)" if name == "segment" else f":{name}" for name in OpenCase.__dataclass_fields__
)

_ADD = text(f"INSERT INTO evidence_cases ({_OPEN}) VALUES ({_GIVEN}) ON CONFLICT DO NOTHING")

_AGE = text("""
UPDATE evidence_cases SET position = nextval('evidence_positions'), actual = :actual, floor = least(:floor, propensity),
    part_floor = least(:part_floor, propensity), weight = coalesce(weight, :weight), stands = coalesce(stands, :stands)
WHERE decision_id = :decision_id RETURNING position
""")

_VERDICT = text("""
INSERT INTO evidence_verdicts AS v (decision_id, position, automation, proven_arm, actual, floor, part_floor, known_at)
SELECT c.decision_id, nextval('evidence_positions'), c.automation, c.proven_arm, :actual, least(:floor, c.propensity),
    least(:part_floor, c.propensity), :now
FROM evidence_cases c WHERE c.decision_id = :decision_id
ON CONFLICT (decision_id) DO UPDATE SET position = excluded.position, actual = excluded.actual,
    known_at = excluded.known_at
WHERE v.actual <> excluded.actual RETURNING position
""")

_OF_VERDICTS = {"actual": "v.actual", "floor": "v.floor", "part_floor": "v.part_floor", "weight": "1.0"}

_VERDICTS = text(f"""
SELECT * FROM (
    SELECT v.position, {", ".join(_OF_VERDICTS.get(name, f"c.{name}") for name in AgedCase.__dataclass_fields__)}
    FROM evidence_verdicts v JOIN evidence_cases c USING (decision_id)
    WHERE v.automation = :automation AND v.proven_arm = :arm AND v.position > :position AND c.gated
    ORDER BY v.position LIMIT :limit
) looked UNION ALL SELECT * FROM (
    SELECT position, {_AGED} FROM evidence_cases
    WHERE automation = :automation AND proven_arm = :arm AND position > :position AND gated AND NOT looked AND floor > 0
    ORDER BY position LIMIT :limit
) unlooked ORDER BY position LIMIT :limit
""")

_CLUSTERS = text(f"""
SELECT {_OPEN}, stands FROM evidence_cases JOIN unnest(
    CAST(:automations AS text[]), CAST(:subjects AS bytea[]), CAST(:sinces AS timestamptz[])
) AS wanted (automation, subject, since) USING (automation, subject, since)
""")

_JUDGED = "position IS NOT NULL AND gated AND floor > 0 AND actual IS NOT NULL"
_LABELLED = f"{_JUDGED} AND weight > 0"
"""Cases that say something about a gate, with a verdict; and those of them that stand for their subject."""

_COUNT = text("""
INSERT INTO evidence_traffic AS t (automation, arm, day, segment, predicted, level, decisions)
SELECT * FROM unnest(
    CAST(:automation AS text[]), CAST(:arm AS text[]), CAST(:day AS date[]), CAST(:segment AS jsonb[]),
    CAST(:predicted AS text[]), CAST(:level AS int[]), CAST(:decisions AS bigint[])
)
ON CONFLICT (automation, arm, day, segment, predicted, level) DO UPDATE SET decisions = t.decisions + excluded.decisions
""")

_SLICE = text("""
INSERT INTO evidence_slices AS s (automation, arm, day, segment, gate_revision, decisions, automatic, least_audit,
    least_unheard)
VALUES (
    :automation, :arm, :day, CAST(:segment AS jsonb), :gate_revision, :decisions, :automatic,
    :least_audit, :least_unheard
)
ON CONFLICT (automation, arm, day, segment, gate_revision) DO UPDATE SET decisions = s.decisions + excluded.decisions,
    automatic = s.automatic + excluded.automatic, least_audit = least(s.least_audit, excluded.least_audit),
    least_unheard = least(s.least_unheard, excluded.least_unheard)
""")


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


@dataclass(frozen=True, slots=True)
class ArmEvidence:
    """An arm with cases: the newest position, and how often cases changed after their age."""

    automation: str
    arm: str
    newest: int
    corrections: int


@dataclass(frozen=True, slots=True)
class LooksLately:
    """The looked-at decisions of an arm: those that reached their age lately, and those that wait for it.

    Of the `aged` ones `open` had no verdict then, and count as wrong. The `labels` of the others are of so many
    `subjects`; `counted` of them stand for their subject and interval.
    """

    aged: int
    open: int
    waiting: int
    labels: int
    counted: int
    subjects: int


def take_relabelled(tx: Tx, limit: int) -> list[UUID]:
    """Take decisions whose labels changed."""
    statement = text(
        "DELETE FROM evidence_relabelled WHERE id IN (SELECT id FROM evidence_relabelled ORDER BY id LIMIT :limit "
        "FOR UPDATE SKIP LOCKED) RETURNING decision_id"
    )
    return list(dict.fromkeys(tx.execute(statement, {"limit": limit}).scalars()))


def relabel(tx: Tx, ids: Sequence[UUID]) -> None:
    """Have decisions looked at once more, as if their labels had changed."""
    statement = text("INSERT INTO evidence_relabelled (decision_id) SELECT unnest(CAST(:ids AS uuid[]))")
    tx.execute(statement, {"ids": [str(one) for one in ids]})


def add(tx: Tx, cases: Sequence[OpenCase]) -> None:
    """Note cases that will be judged at their age. Known ones stay as they are."""
    if cases:
        rows = [{name: getattr(one, name) for name in OpenCase.__dataclass_fields__} for one in cases]
        tx.execute(_ADD, [{**row, "segment": json_of(row["segment"])} for row in rows])


def known(tx: Tx, ids: Sequence[UUID]) -> dict[UUID, tuple[OpenCase, bool, str | None]]:
    """Return the known cases of these decisions; whether each has reached its age, and its class then."""
    statement = text(
        f"SELECT {_OPEN}, position IS NOT NULL, actual FROM evidence_cases "
        "WHERE decision_id = ANY(CAST(:ids AS uuid[]))"
    )
    rows = tx.execute(statement, {"ids": [str(one) for one in ids]})
    return {row[0]: (OpenCase(*row[:-2]), row[-2], row[-1]) for row in rows}


def due(tx: Tx, now: datetime, limit: int, apart_from: Collection[str] = ()) -> list[OpenCase]:
    """Return the cases that reach their age, in that order, without those of some automations."""
    statement = text(
        f"SELECT {_OPEN} FROM evidence_cases WHERE position IS NULL AND due_at <= :now "
        "AND automation <> ALL(CAST(:apart_from AS text[])) ORDER BY due_at, decision_id LIMIT :limit"
    )
    values = {"now": now, "limit": limit, "apart_from": sorted(apart_from)}
    return [OpenCase(*row) for row in tx.execute(statement, values)]


def clusters_of(tx: Tx, cases: Sequence[OpenCase]) -> list[tuple[OpenCase, float | None]]:
    """Return all cases of the same subjects and intervals, with what each stands for, if that is known already."""
    wanted = {(one.automation, one.subject, one.since) for one in cases if one.subject is not None}
    if not wanted:
        return []
    automations, subjects, sinces = (list(column) for column in zip(*sorted(wanted), strict=True))
    values = {"automations": automations, "subjects": subjects, "sinces": sinces}
    return [(OpenCase(*values), stands) for *values, stands in tx.execute(_CLUSTERS, values)]


def stood_before(tx: Tx, automation: str, arm: str, since: datetime, limit: int) -> list[float]:
    """Return what the newest chosen cases of earlier intervals stand for."""
    statement = text(
        "SELECT stands FROM evidence_cases WHERE automation = :automation AND proven_arm = :arm AND stands > 0 "
        "AND since < :since ORDER BY since DESC LIMIT :limit"
    )
    values = {"automation": automation, "arm": arm, "since": since, "limit": limit}
    return [float(stands) for stands in tx.execute(statement, values).scalars()]


def weigh(tx: Tx, standings: Mapping[UUID, ClusterStanding]) -> None:
    """Write what cases stand for among those of their subjects."""
    if standings:
        statement = text(
            "UPDATE evidence_cases SET stands = :stands, weight = :weight "
            "WHERE decision_id = :decision_id AND stands IS NULL"
        )
        tx.execute(
            statement,
            [{"decision_id": key, "stands": one.stands, "weight": one.weight} for key, one in standings.items()],
        )


def age(tx: Tx, case: OpenCase, actual: str | None, floors: Floors, alone: ClusterStanding) -> int:
    """Judge a case at its age and return its position. It stands for what was chosen, else as one that is `alone`."""
    values = {"decision_id": case.decision_id, "actual": actual, "floor": floors.whole, "part_floor": floors.part}
    return int(tx.execute(_AGE, {**values, "weight": alone.weight, "stands": alone.stands}).scalar_one())


def put_class(tx: Tx, decision_id: UUID, actual: str | None) -> None:
    """Change the class of a case that had reached its age."""
    statement = text("UPDATE evidence_cases SET actual = :actual WHERE decision_id = :decision_id")
    tx.execute(statement, {"decision_id": decision_id, "actual": actual})


def drop(tx: Tx, decision_id: UUID) -> None:
    """Delete a case that nobody looked at, and that has lost its label."""
    tx.execute(text("DELETE FROM evidence_cases WHERE decision_id = :decision_id"), {"decision_id": decision_id})


def put_verdict(tx: Tx, case: OpenCase, actual: str, floors: Floors, now: datetime) -> int | None:
    """Write the newest verdict of a looked-at decision. Return its position; None if the last one says the same."""
    values = {"decision_id": case.decision_id, "actual": actual, "floor": floors.whole, "part_floor": floors.part}
    found = tx.execute(_VERDICT, {**values, "now": now}).scalar_one_or_none()
    return None if found is None else int(found)


def advance_arm(tx: Tx, automation: str, arm: str, newest: int, corrections: int = 0) -> None:
    """Note the newest position of an arm, and further changes of its cases."""
    statement = text(
        "INSERT INTO evidence_arms AS a VALUES (:automation, :arm, :newest, :corrections) "
        "ON CONFLICT (automation, arm) DO UPDATE SET newest = greatest(a.newest, excluded.newest), "
        "corrections = a.corrections + excluded.corrections"
    )
    tx.execute(statement, {"automation": automation, "arm": arm, "newest": newest, "corrections": corrections})


def arms(tx: Tx) -> list[ArmEvidence]:
    """Return every arm with cases."""
    return [ArmEvidence(*row) for row in tx.execute(text("SELECT * FROM evidence_arms ORDER BY automation, arm"))]


def position_now(tx: Tx) -> int:
    """Return the newest position that was given to a case."""
    statement = text("SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM evidence_positions")
    return int(tx.execute(statement).scalar_one())


def cases_after(tx: Tx, automation: str, arms: Sequence[str], position: int, limit: int) -> list[tuple[int, AgedCase]]:
    """Return the cases of these arms after a position, in the order in which they reached their age."""
    statement = text(
        f"SELECT position, {_AGED} FROM evidence_cases WHERE automation = :automation "
        "AND arm = ANY(:arms) AND position > :position ORDER BY position LIMIT :limit"
    )
    values = {"automation": automation, "arms": list(arms), "position": position, "limit": limit}
    return [(at, AgedCase(*values)) for at, *values in tx.execute(statement, values)]


def proving_after(tx: Tx, automation: str, arm: str, position: int, limit: int) -> list[tuple[int, AgedCase]]:
    """Return the cases after a position that say something about the gate of an arm, each subject once."""
    statement = text(
        f"SELECT position, {_AGED} FROM evidence_cases WHERE automation = :automation AND proven_arm = :arm "
        "AND position > :position AND gated AND weight > 0 AND floor > 0 ORDER BY position LIMIT :limit"
    )
    values = {"automation": automation, "arm": arm, "position": position, "limit": limit}
    return [(at, AgedCase(*values)) for at, *values in tx.execute(statement, values)]


def verdicts_after(tx: Tx, automation: str, arm: str, position: int, limit: int) -> list[tuple[int, AgedCase]]:
    """Return verdicts on decisions that the gate of an arm concerns, in the order in which they became known.

    Labels from outside come at the age: those of one class arrive earlier than those of another.
    """
    values = {"automation": automation, "arm": arm, "position": position, "limit": limit}
    return [(at, AgedCase(*values)) for at, *values in tx.execute(_VERDICTS, values)]


def first_counting(tx: Tx, automation: str, arm: str, kept: int) -> int:
    """Return the position before the newest `kept` cases that say something about the gate; 0 if there are fewer."""
    statement = text(
        "SELECT position FROM evidence_cases WHERE automation = :automation AND proven_arm = :arm "
        "AND gated AND weight > 0 AND floor > 0 ORDER BY position DESC OFFSET :kept LIMIT 1"
    )
    found = tx.execute(statement, {"automation": automation, "arm": arm, "kept": kept}).scalar_one_or_none()
    return 0 if found is None else int(found)


def labels_since(tx: Tx, automation: str, arm: str, since: datetime) -> list[tuple[float, int]]:
    """Return the number of labels that reached their age since a moment, by confidence, rounded down to a hundredth."""
    statement = text(
        "SELECT floor(confidence * 100) / 100 AS confidence, count(*) AS labels FROM evidence_cases "
        f"WHERE automation = :automation AND proven_arm = :arm AND due_at >= :since AND {_LABELLED} GROUP BY 1"
    )
    rows = tx.execute(statement, {"automation": automation, "arm": arm, "since": since})
    return [(float(row.confidence), row.labels) for row in rows]


def labels_above(
    tx: Tx,
    automation: str,
    arm: str,
    segment: GateSegment,
    predicted: str,
    threshold: float,
    after: datetime | None,
) -> tuple[int, int]:
    """Return how many labels lie above a threshold, of decisions after a moment, and how many are audits."""
    statement = text(
        "SELECT count(*) AS labels, count(*) FILTER (WHERE audited) AS audits FROM evidence_cases "
        "WHERE automation = :automation AND proven_arm = :arm AND confidence >= :threshold "
        "AND decided_at > coalesce(CAST(:after AS timestamptz), '-infinity') "
        f"AND segment @> CAST(:segment AS jsonb) AND (:predicted = '' OR predicted = :predicted) AND {_LABELLED}"
    )
    values = {"automation": automation, "arm": arm, "predicted": predicted, "segment": json_of(segment)}
    row = tx.execute(statement, {**values, "threshold": threshold, "after": after}).one()
    return row.labels, row.audits


def looks_since(tx: Tx, automation: str, arm: str, since: datetime) -> LooksLately:
    """Count the cases of an arm that reached their age since a moment, and those that wait for it."""
    statement = text(
        "SELECT count(*) FILTER (WHERE position IS NOT NULL), "
        "count(*) FILTER (WHERE position IS NOT NULL AND actual IS NULL), count(*) FILTER (WHERE position IS NULL), "
        f"count(*) FILTER (WHERE {_JUDGED}), count(*) FILTER (WHERE {_LABELLED}), "
        f"count(DISTINCT coalesce(subject, uuid_send(decision_id))) FILTER (WHERE {_JUDGED}) "
        "FROM evidence_cases WHERE automation = :automation AND proven_arm = :arm AND due_at >= :since"
    )
    return LooksLately(*tx.execute(statement, {"automation": automation, "arm": arm, "since": since}).one())


def has_outside_labels(tx: Tx, automation: str, arm: str) -> bool:
    """Return whether labels from outside arrived for automatic decisions of an arm."""
    statement = text(
        "SELECT EXISTS (SELECT FROM evidence_cases WHERE automation = :automation AND proven_arm = :arm "
        "AND automatic AND NOT looked)"
    )
    return bool(tx.execute(statement, {"automation": automation, "arm": arm}).scalar_one())


def count_traffic(tx: Tx, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add decisions by confidence."""
    if rows:
        tx.execute(_COUNT, {name: [row[name] for row in rows] for name in rows[0]})


def count_slices(tx: Tx, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add decisions by gate revision."""
    if rows:
        tx.execute(_SLICE, rows)


def slices_of(tx: Tx, automation: str, arm: str, day: date) -> list[SliceCount]:
    """Return the slices of an arm on a day."""
    statement = text(
        "SELECT segment, gate_revision, decisions, automatic, least_audit, least_unheard FROM evidence_slices "
        "WHERE automation = :automation AND arm = :arm AND day = :day"
    )
    return [SliceCount(*row) for row in tx.execute(statement, {"automation": automation, "arm": arm, "day": day})]


def traffic_of(tx: Tx, automation: str, arm: str, segment: GateSegment, predicted: str, since: date) -> dict[int, int]:
    """Return how many decisions reached each exact number of thresholds, since a day."""
    statement = text(
        "SELECT level, sum(decisions) AS decisions FROM evidence_traffic WHERE automation = :automation AND arm = :arm "
        "AND day >= :since AND segment @> CAST(:segment AS jsonb) AND (:predicted = '' OR predicted = :predicted) "
        "GROUP BY level"
    )
    values = {"automation": automation, "arm": arm, "since": since, "predicted": predicted}
    return {row.level: int(row.decisions) for row in tx.execute(statement, {**values, "segment": json_of(segment)})}


def daily(tx: Tx, automation: str, arm: str, since: date) -> tuple[int, int, int]:
    """Return on how many days an arm decided since a day, the number of decisions, and of automatic ones."""
    statement = text(
        "SELECT count(DISTINCT day) AS days, coalesce(sum(decisions), 0) AS decisions, coalesce(sum(automatic), 0) "
        "AS automatic FROM evidence_slices WHERE automation = :automation AND arm = :arm AND day >= :since"
    )
    row = tx.execute(statement, {"automation": automation, "arm": arm, "since": since}).one()
    return row.days, int(row.decisions), int(row.automatic)


def forget_counts(tx: Tx, before: date, verdicts_before: datetime) -> None:
    """Forget what was counted before a day, and verdicts that were known before a moment."""
    for table in ("evidence_traffic", "evidence_slices"):
        tx.execute(text(f"DELETE FROM {table} WHERE day < :before"), {"before": before})
    tx.execute(text("DELETE FROM evidence_verdicts WHERE known_at < :before"), {"before": verdicts_before})


def sweep_of(tx: Tx, automation: str) -> tuple[UUID | None, datetime] | None:
    """Return how far the matured decisions of an automation were looked at."""
    statement = text("SELECT upto, swept_to FROM evidence_sweeps WHERE automation = :automation FOR UPDATE")
    row = tx.execute(statement, {"automation": automation}).one_or_none()
    return None if row is None else (row.upto, row.swept_to)


def put_sweep(tx: Tx, automation: str, upto: UUID | None, swept_to: datetime) -> None:
    """Note how far they were looked at."""
    statement = text(
        "INSERT INTO evidence_sweeps VALUES (:automation, :upto, :swept_to) "
        "ON CONFLICT (automation) DO UPDATE SET upto = excluded.upto, swept_to = excluded.swept_to"
    )
    tx.execute(statement, {"automation": automation, "upto": upto, "swept_to": swept_to})


def hold(tx: Tx, tally: str, ids: Sequence[UUID], automations: Collection[str]) -> None:
    """Keep decisions of these automations for a tally that could not count them."""
    statement = text(
        "INSERT INTO evidence_held (tally, ids, automations) VALUES (:tally, CAST(:ids AS uuid[]), :automations)"
    )
    values = {"tally": tally, "ids": [str(one) for one in ids], "automations": sorted(automations)}
    tx.execute(statement, values)


def take_held(tx: Tx, tally: str) -> list[UUID]:
    """Take the decisions that were kept first for a tally."""
    statement = text(
        "DELETE FROM evidence_held WHERE id = (SELECT id FROM evidence_held WHERE tally = :tally ORDER BY id LIMIT 1 "
        "FOR UPDATE SKIP LOCKED) RETURNING ids"
    )
    return list(tx.execute(statement, {"tally": tally}).scalar_one_or_none() or ())


def held_automations(tx: Tx, tally: str) -> frozenset[str]:
    """Return the automations with decisions that are kept for a tally."""
    query = text("SELECT DISTINCT unnest(automations) FROM evidence_held WHERE tally = :tally")
    return frozenset(tx.execute(query, {"tally": tally}).scalars())


def held(tx: Tx) -> dict[str, int]:
    """Return how many decisions are kept for each tally."""
    rows = tx.execute(text("SELECT tally, sum(cardinality(ids)) AS decisions FROM evidence_held GROUP BY tally"))
    return {row.tally: int(row.decisions) for row in rows}
