"""All SQL about rollouts; statements shared with experiments are in `trials`. Never commits."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from andon.authoring import RolloutPlan
from andon.kernel.db import Tx
from andon.rollouts.domain import Rollout, RolloutEvent, RolloutState
from andon.rollouts.tables import rollout_events, rollout_labels, rollout_tests, rollout_units, rollouts
from andon.serving import Candidate
from andon.trials import TrialRows, TrialUnits

OPEN_SQL = "EXISTS (SELECT FROM rollouts WHERE ended_at IS NULL AND state IN ('running', 'paused'))"
"""A condition: a worker has a rollout to watch."""


def lock(tx: Tx, automation: str) -> None:
    """Lock the start of rollouts of this automation until the transaction ends."""
    tx.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"rollouts/{automation}", 0))))


def ended_counts(tx: Tx) -> list[tuple[str, str, int]]:
    """Return how many rollouts of each automation ended in each state."""
    c = rollouts.c
    query = select(c.automation, c.state, func.count()).where(c.ended_at.is_not(None)).group_by(c.automation, c.state)
    return [
        (automation, state, int(count))
        for automation, state, count in tx.execute(query.order_by(*query.selected_columns[:2]))
    ]


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
    """Return the counts of each guardrail of a rollout."""
    query = select(rollout_tests.c.guardrail, rollout_tests.c.body).where(rollout_tests.c.rollout == rollout)
    return {row.guardrail: row.body for row in tx.execute(query)}


def save_tests(tx: Tx, rollout: UUID, bodies: Mapping[str, Mapping[str, Any]]) -> None:
    """Write the counts of guardrails."""
    if bodies:
        made = upsert(rollout_tests)
        made = made.on_conflict_do_update(index_elements=["rollout", "guardrail"], set_={"body": made.excluded.body})
        tx.execute(made, [{"rollout": rollout, "guardrail": name, "body": body} for name, body in bodies.items()])


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


_ROWS = TrialRows(rollouts, _rollout, _values)
_UNITS = TrialUnits(
    rollouts, rollout_units, rollout_labels, watched="t.ended_at IS NULL AND t.state IN ('running', 'paused')"
)

find, find_open, page, open_rollouts = _ROWS.find, _ROWS.find_open, _ROWS.page, _ROWS.open_ones
next_number, add, save = _ROWS.next_number, _ROWS.add, _ROWS.save
new_units, units_counted, forget_units = _UNITS.new_units, _UNITS.count, _UNITS.forget
note_labels, note_labels_again, take_labels = _UNITS.note_late, _UNITS.note_again, _UNITS.take_late


def watched(tx: Tx) -> list[tuple[str, int]]:
    """Return the automations and numbers of the rollouts that a worker watches, oldest first."""
    return _ROWS.watched(tx, [RolloutState.RUNNING.value, RolloutState.PAUSED.value])
