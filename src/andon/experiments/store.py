"""All SQL about experiments; what rollouts need, too, is in `trials`. Never commits."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import Row, case, func, insert, select
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
from andon.trials import TrialRows, TrialUnits

OPEN_SQL = "EXISTS (SELECT FROM experiments WHERE ended_at IS NULL)"
"""A condition: a worker has an experiment to watch."""


def ended_outcomes(tx: Tx) -> list[tuple[str, str, int]]:
    """Return how many experiments of each automation ended in each way; one that was adopted had been decided."""
    c = experiments.c
    outcome = case((c.state == ExperimentState.ADOPTED.value, ExperimentState.DECIDED.value), else_=c.state)
    query = select(c.automation, outcome, func.count()).where(c.ended_at.is_not(None)).group_by(c.automation, outcome)
    found = tx.execute(query.order_by(*query.selected_columns[:2]))
    return [(automation, ended, int(count)) for automation, ended, count in found]


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


_ROWS = TrialRows(experiments, _experiment, _values)
_UNITS = TrialUnits(experiments, experiment_units, experiment_labels, watched="t.ended_at IS NULL")

find, find_open, page, running_experiments = _ROWS.find, _ROWS.find_open, _ROWS.page, _ROWS.open_ones
next_number, add, save = _ROWS.next_number, _ROWS.add, _ROWS.save
new_units, forget_units = _UNITS.new_units, _UNITS.forget
note_labels, note_labels_again, take_labels = _UNITS.note_late, _UNITS.note_again, _UNITS.take_late


def running(tx: Tx) -> list[tuple[str, int]]:
    """Return the automations and numbers of the experiments that a worker watches, oldest first."""
    return _ROWS.watched(tx, [ExperimentState.RUNNING.value])
