"""All SQL about rollouts. Never commits."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from andon.authoring import RolloutPlan
from andon.kernel.db import Tx
from andon.rollouts.domain import Rollout, RolloutEvent, RolloutState
from andon.rollouts.tables import rollout_events, rollout_labels, rollout_tests, rollout_units, rollouts
from andon.serving import Candidate

OPEN_SQL = "EXISTS (SELECT FROM rollouts WHERE ended_at IS NULL AND state IN ('running', 'paused'))"
"""Whether a worker has a rollout to watch."""

_NEW_UNITS = text("""
INSERT INTO rollout_units (rollout, guardrail, unit)
SELECT :rollout, * FROM unnest(CAST(:guardrails AS text[]), CAST(:units AS bytea[]))
ON CONFLICT DO NOTHING RETURNING guardrail, unit
""")

_NOTE_LABELS = text("""
INSERT INTO rollout_labels (rollout, decision_id, due_at)
SELECT r.id, d, :due_at FROM rollouts r, unnest(CAST(:decisions AS uuid[])) AS d
WHERE r.automation = :automation AND r.ended_at IS NULL AND r.state IN ('running', 'paused')
""")

_TAKE_LABELS = text("""
DELETE FROM rollout_labels WHERE id IN (
    SELECT id FROM rollout_labels WHERE rollout = :rollout AND due_at <= :now ORDER BY due_at, id LIMIT :limit
) RETURNING decision_id
""")


def lock(tx: Tx, automation: str) -> None:
    """Let one transaction at a time start a rollout of this automation."""
    tx.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"rollouts/{automation}", 0))))


def find_open(tx: Tx, automation: str) -> Rollout | None:
    """Return the rollout of an automation that is not over."""
    c = rollouts.c
    row = tx.execute(select(rollouts).where(c.automation == automation, c.ended_at.is_(None))).one_or_none()
    return None if row is None else _rollout(row)


def find(tx: Tx, automation: str, number: int, *, for_update: bool = False) -> Rollout | None:
    """Return one rollout; `for_update` lets nobody else move it until the transaction ends."""
    query = select(rollouts).where(rollouts.c.automation == automation, rollouts.c.number == number)
    row = tx.execute(query.with_for_update() if for_update else query).one_or_none()
    return None if row is None else _rollout(row)


def watched(tx: Tx) -> list[tuple[str, int]]:
    """Return the automations and numbers of the rollouts that a worker watches, oldest first."""
    c = rollouts.c
    query = select(c.automation, c.number).where(c.ended_at.is_(None), c.state.in_(("running", "paused")))
    return [(row.automation, row.number) for row in tx.execute(query.order_by(c.created_at, c.id))]


def open_rollouts(tx: Tx) -> list[Rollout]:
    """Return the rollouts that are not over, by automation."""
    query = select(rollouts).where(rollouts.c.ended_at.is_(None)).order_by(rollouts.c.automation)
    return [_rollout(row) for row in tx.execute(query)]


def ended_counts(tx: Tx) -> list[tuple[str, str, int]]:
    """Return how many rollouts of each automation ended in each state."""
    c = rollouts.c
    query = select(c.automation, c.state, func.count()).where(c.ended_at.is_not(None)).group_by(c.automation, c.state)
    return [
        (automation, state, int(count))
        for automation, state, count in tx.execute(query.order_by(*query.selected_columns[:2]))
    ]


def page(tx: Tx, automations: Sequence[str] | None, *, limit: int) -> list[Rollout]:
    """Return rollouts of some automations, or of all; newest first."""
    query = select(rollouts).order_by(rollouts.c.created_at.desc(), rollouts.c.id.desc()).limit(limit)
    if automations is not None:
        query = query.where(rollouts.c.automation.in_(automations))
    return [_rollout(row) for row in tx.execute(query)]


def next_number(tx: Tx, automation: str) -> int:
    """Return the number of the next rollout of an automation; lock the automation first."""
    newest = select(func.coalesce(func.max(rollouts.c.number), 0)).where(rollouts.c.automation == automation)
    return int(tx.execute(newest).scalar_one()) + 1


def add(tx: Tx, one: Rollout) -> None:
    """Write a new rollout."""
    tx.execute(insert(rollouts).values(id=one.id, **_values(one)))


def save(tx: Tx, one: Rollout) -> None:
    """Write a rollout anew; find it for update first."""
    tx.execute(update(rollouts).where(rollouts.c.id == one.id).values(_values(one)))


def add_event(tx: Tx, rollout: UUID, event: RolloutEvent) -> RolloutEvent:
    """Write the next event of a rollout, which gives it its number."""
    newest = select(func.coalesce(func.max(rollout_events.c.number), 0)).where(rollout_events.c.rollout == rollout)
    numbered = replace(event, number=int(tx.execute(newest).scalar_one()) + 1)
    values = {name: getattr(numbered, name) for name in RolloutEvent.__dataclass_fields__ if name != "by"}
    tx.execute(insert(rollout_events).values(rollout=rollout, made_by=numbered.by, **values))
    return numbered


def events_of(tx: Tx, rollout: UUID) -> list[RolloutEvent]:
    """Return the events of a rollout, oldest first."""
    query = select(rollout_events).where(rollout_events.c.rollout == rollout).order_by(rollout_events.c.number)
    return [
        RolloutEvent(
            row.number,
            row.at,
            row.kind,
            None if row.state_before is None else RolloutState(row.state_before),
            RolloutState(row.state_after),
            row.stage_before,
            row.stage_after,
            row.made_by,
            row.reason,
            row.evidence,
        )
        for row in tx.execute(query)
    ]


def tests_of(tx: Tx, rollout: UUID) -> dict[str, Mapping[str, Any]]:
    """Return what each guardrail of a rollout has counted."""
    query = select(rollout_tests.c.guardrail, rollout_tests.c.body).where(rollout_tests.c.rollout == rollout)
    return {row.guardrail: row.body for row in tx.execute(query)}


def save_tests(tx: Tx, rollout: UUID, bodies: Mapping[str, Mapping[str, Any]]) -> None:
    """Write what guardrails have counted."""
    if bodies:
        made = upsert(rollout_tests)
        made = made.on_conflict_do_update(index_elements=["rollout", "guardrail"], set_={"body": made.excluded.body})
        tx.execute(made, [{"rollout": rollout, "guardrail": name, "body": body} for name, body in bodies.items()])


def new_units(tx: Tx, rollout: UUID, units: Iterable[tuple[str, bytes]]) -> set[tuple[str, bytes]]:
    """Note units as counted by guardrails; return those that were not yet."""
    wanted = sorted(set(units))
    if not wanted:
        return set()
    names, values = zip(*wanted, strict=True)
    found = tx.execute(_NEW_UNITS, {"rollout": rollout, "guardrails": list(names), "units": list(values)})
    return {(row.guardrail, bytes(row.unit)) for row in found}


def units_counted(tx: Tx, rollout: UUID, guardrail: str) -> int:
    """Return how many units a guardrail has counted."""
    c = rollout_units.c
    query = select(func.count()).where(c.rollout == rollout, c.guardrail == guardrail)
    return int(tx.execute(query).scalar_one())


def note_labels(tx: Tx, automation: str, decisions: Sequence[UUID], due_at: datetime) -> None:
    """Note that labels of decisions changed, for the automation's rollout if one is watched."""
    tx.execute(_NOTE_LABELS, {"automation": automation, "decisions": list(decisions), "due_at": due_at})


def note_labels_again(tx: Tx, rollout: UUID, due: Mapping[UUID, datetime]) -> None:
    """Have labels of decisions looked at later."""
    if due:
        rows = [{"rollout": rollout, "decision_id": key, "due_at": at} for key, at in due.items()]
        tx.execute(insert(rollout_labels), rows)


def take_labels(tx: Tx, rollout: UUID, now: datetime, limit: int) -> list[UUID]:
    """Take decisions whose labels are to be looked at by now."""
    taken = tx.execute(_TAKE_LABELS, {"rollout": rollout, "now": now, "limit": limit})
    return list(dict.fromkeys(row.decision_id for row in taken))


def forget_units(tx: Tx, rollout: UUID) -> None:
    """Forget what only a rollout under way needs."""
    tx.execute(delete(rollout_units).where(rollout_units.c.rollout == rollout))
    tx.execute(delete(rollout_labels).where(rollout_labels.c.rollout == rollout))


def _values(one: Rollout) -> dict[str, Any]:
    return {
        "automation": one.automation,
        "number": one.number,
        "model": one.model,
        "version": one.candidate.version,
        "policy": one.candidate.policy,
        "gate": one.candidate.gate,
        "champion": one.champion,
        "in_force": one.in_force,
        "plan": one.plan.described(),
        "state": one.state.value,
        "stage": one.stage,
        "stage_at": one.stage_at,
        "split": one.split,
        "before": [str(candidate) for candidate in one.shadows_before],
        "started_by": one.started_by,
        "reason": one.reason,
        "created_at": one.created_at,
        "approved_by": one.approved_by,
        "ended_at": one.ended_at,
        "ended_by": one.ended_by,
        "why": one.why,
        "shadowed_to": one.shadowed_to,
        "seen": one.seen,
    }


def _rollout(row: Row[Any]) -> Rollout:
    return Rollout(
        id=row.id,
        automation=row.automation,
        number=row.number,
        model=row.model,
        candidate=Candidate(row.version, row.policy, row.gate),
        champion=row.champion,
        in_force=row.in_force,
        plan=RolloutPlan.from_description(row.plan),
        state=RolloutState(row.state),
        stage=row.stage,
        stage_at=row.stage_at,
        split=row.split,
        shadows_before=tuple(map(Candidate.parse, row.before)),
        started_by=row.started_by,
        reason=row.reason,
        created_at=row.created_at,
        approved_by=row.approved_by,
        ended_at=row.ended_at,
        ended_by=row.ended_by,
        why=row.why,
        shadowed_to=row.shadowed_to,
        seen=row.seen,
    )
