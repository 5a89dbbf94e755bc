"""All SQL about experiments. Never commits."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, case, delete, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from andon.experiments.domain import Experiment, ExperimentEvent, ExperimentState
from andon.experiments.tables import (
    experiment_estimates,
    experiment_events,
    experiment_labels,
    experiment_units,
    experiments,
)
from andon.kernel.db import Tx
from andon.serving import Candidate

OPEN_SQL = "EXISTS (SELECT FROM experiments WHERE ended_at IS NULL)"
"""Whether a worker has an experiment to watch."""

_NEW_UNITS = text("""
INSERT INTO experiment_units (experiment, list, unit)
SELECT :experiment, * FROM unnest(CAST(:lists AS text[]), CAST(:units AS bytea[]))
ON CONFLICT DO NOTHING RETURNING list, unit
""")

_NOTE_LABELS = text("""
INSERT INTO experiment_labels (experiment, decision_id, due_at)
SELECT e.id, d, :due_at FROM experiments e, unnest(CAST(:decisions AS uuid[])) AS d
WHERE e.automation = :automation AND e.ended_at IS NULL
""")

_TAKE_LABELS = text("""
DELETE FROM experiment_labels WHERE id IN (
    SELECT id FROM experiment_labels WHERE experiment = :experiment AND due_at <= :now ORDER BY due_at, id LIMIT :limit
) RETURNING decision_id
""")


def find_open(tx: Tx, automation: str) -> Experiment | None:
    """Return the experiment of an automation that is not over."""
    c = experiments.c
    row = tx.execute(select(experiments).where(c.automation == automation, c.ended_at.is_(None))).one_or_none()
    return None if row is None else _experiment(row)


def find(tx: Tx, automation: str, number: int, *, for_update: bool = False) -> Experiment | None:
    """Return one experiment; `for_update` lets nobody else move it until the transaction ends."""
    query = select(experiments).where(experiments.c.automation == automation, experiments.c.number == number)
    row = tx.execute(query.with_for_update() if for_update else query).one_or_none()
    return None if row is None else _experiment(row)


def running(tx: Tx) -> list[tuple[str, int]]:
    """Return the automations and numbers of the experiments that a worker watches, oldest first."""
    c = experiments.c
    query = select(c.automation, c.number).where(c.ended_at.is_(None)).order_by(c.created_at, c.id)
    return [(row.automation, row.number) for row in tx.execute(query)]


def running_experiments(tx: Tx) -> list[Experiment]:
    """Return the experiments that are not over, by automation."""
    query = select(experiments).where(experiments.c.ended_at.is_(None)).order_by(experiments.c.automation)
    return [_experiment(row) for row in tx.execute(query)]


def ended_outcomes(tx: Tx) -> list[tuple[str, str, int]]:
    """Return how many experiments of each automation ended in each way; one that was adopted had been decided."""
    c = experiments.c
    outcome = case((c.state == ExperimentState.ADOPTED.value, ExperimentState.DECIDED.value), else_=c.state)
    query = select(c.automation, outcome, func.count()).where(c.ended_at.is_not(None)).group_by(c.automation, outcome)
    found = tx.execute(query.order_by(*query.selected_columns[:2]))
    return [(automation, ended, int(count)) for automation, ended, count in found]


def page(tx: Tx, automations: Sequence[str] | None, *, limit: int) -> list[Experiment]:
    """Return experiments of some automations, or of all; newest first."""
    query = select(experiments).order_by(experiments.c.created_at.desc(), experiments.c.id.desc()).limit(limit)
    if automations is not None:
        query = query.where(experiments.c.automation.in_(automations))
    return [_experiment(row) for row in tx.execute(query)]


def next_number(tx: Tx, automation: str) -> int:
    """Return the number of the next experiment of an automation; hold its split first."""
    newest = select(func.coalesce(func.max(experiments.c.number), 0)).where(experiments.c.automation == automation)
    return int(tx.execute(newest).scalar_one()) + 1


def add(tx: Tx, one: Experiment) -> None:
    """Write a new experiment."""
    tx.execute(insert(experiments).values(id=one.id, **_values(one)))


def save(tx: Tx, one: Experiment) -> None:
    """Write an experiment anew; find it for update first."""
    tx.execute(update(experiments).where(experiments.c.id == one.id).values(_values(one)))


def add_event(tx: Tx, experiment: UUID, event: ExperimentEvent) -> None:
    """Write the next event of an experiment, which gives it its number."""
    c = experiment_events.c
    newest = select(func.coalesce(func.max(c.number), 0)).where(c.experiment == experiment)
    numbered = replace(event, number=int(tx.execute(newest).scalar_one()) + 1, shares=list(event.shares))
    values = {name: getattr(numbered, name) for name in ExperimentEvent.__dataclass_fields__ if name != "by"}
    tx.execute(insert(experiment_events).values(experiment=experiment, made_by=numbered.by, **values))


def events_of(tx: Tx, experiment: UUID) -> list[ExperimentEvent]:
    """Return the events of an experiment, oldest first."""
    c = experiment_events.c
    return [
        ExperimentEvent(
            row.number,
            row.at,
            row.kind,
            None if row.state_before is None else ExperimentState(row.state_before),
            ExperimentState(row.state_after),
            row.shares,
            row.made_by,
            row.reason,
            row.evidence,
        )
        for row in tx.execute(select(experiment_events).where(c.experiment == experiment).order_by(c.number))
    ]


def estimates_of(tx: Tx, experiment: UUID) -> Mapping[str, Any] | None:
    """Return what an experiment has counted; None before anything was."""
    c = experiment_estimates.c
    body: Mapping[str, Any] | None = tx.execute(select(c.body).where(c.experiment == experiment)).scalar_one_or_none()
    return body


def save_estimates(tx: Tx, experiment: UUID, body: Mapping[str, Any]) -> None:
    """Write what an experiment has counted."""
    made = upsert(experiment_estimates).values(experiment=experiment, body=body)
    tx.execute(made.on_conflict_do_update(index_elements=["experiment"], set_={"body": body}))


def new_units(tx: Tx, experiment: UUID, units: Iterable[tuple[str, bytes]]) -> set[tuple[str, bytes]]:
    """Note units as counted in a list; return those that were not yet."""
    wanted = sorted(set(units))
    if not wanted:
        return set()
    lists, values = zip(*wanted, strict=True)
    found = tx.execute(_NEW_UNITS, {"experiment": experiment, "lists": list(lists), "units": list(values)})
    return {(row.list, bytes(row.unit)) for row in found}


def note_labels(tx: Tx, automation: str, decisions: Sequence[UUID], due_at: datetime) -> None:
    """Note that labels of decisions changed, for the automation's experiment if one runs."""
    tx.execute(_NOTE_LABELS, {"automation": automation, "decisions": list(decisions), "due_at": due_at})


def note_labels_again(tx: Tx, experiment: UUID, due: Mapping[UUID, datetime]) -> None:
    """Have labels of decisions looked at later."""
    if due:
        rows = [{"experiment": experiment, "decision_id": key, "due_at": at} for key, at in due.items()]
        tx.execute(insert(experiment_labels), rows)


def take_labels(tx: Tx, experiment: UUID, now: datetime, limit: int) -> list[UUID]:
    """Take decisions whose labels are to be looked at by now."""
    taken = tx.execute(_TAKE_LABELS, {"experiment": experiment, "now": now, "limit": limit})
    return list(dict.fromkeys(row.decision_id for row in taken))


def forget_units(tx: Tx, experiment: UUID) -> None:
    """Forget what only a running experiment needs."""
    tx.execute(delete(experiment_units).where(experiment_units.c.experiment == experiment))
    tx.execute(delete(experiment_labels).where(experiment_labels.c.experiment == experiment))


_PLAIN = frozenset(Experiment.__dataclass_fields__) - {"id", "arms", "shares", "state", "shadows_before", "winner"}
"""Fields that are columns as they are."""


def _values(one: Experiment) -> dict[str, Any]:
    return {
        **{name: getattr(one, name) for name in _PLAIN},
        "arms": [str(arm) for arm in one.arms],
        "shares": list(one.shares),
        "state": one.state.value,
        "before": [str(candidate) for candidate in one.shadows_before],
        "winner": None if one.winner is None else str(one.winner),
    }


def _experiment(row: Row[Any]) -> Experiment:
    plain = row._mapping
    return Experiment(
        id=row.id,
        arms=tuple(map(Candidate.parse, row.arms)),
        shares=tuple(map(float, row.shares)),
        state=ExperimentState(row.state),
        shadows_before=tuple(map(Candidate.parse, row.before)),
        winner=None if row.winner is None else Candidate.parse(row.winner),
        **{name: plain[name] for name in _PLAIN},
    )
