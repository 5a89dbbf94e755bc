"""All SQL about trials. Never commits."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy import Row, Select, case, delete, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from andon.kernel.db import Tx
from andon.serving import Candidate
from andon.trials.domain import COMMON, TrafficTrial, TrialEvent
from andon.trials.tables import trial_counts, trial_events, trial_labels, trial_questions, trial_units, trials

_UNDER_WAY = "ended_at IS NULL AND state IN ('running', 'paused')"

_NEW_UNITS = text(
    "INSERT INTO trial_units (trial, list, unit) "
    "SELECT :trial, * FROM unnest(CAST(:lists AS text[]), CAST(:units AS bytea[])) "
    "ON CONFLICT DO NOTHING RETURNING list, unit"
)

_NOTE = text(
    "INSERT INTO trial_labels (trial, decision_id, due_at) "
    "SELECT t.id, d, :due_at FROM trials t, unnest(CAST(:decisions AS uuid[])) AS d "
    f"WHERE t.automation = :automation AND {_UNDER_WAY}"
)

_TAKE = text(
    "DELETE FROM trial_labels WHERE id IN (SELECT id FROM trial_labels WHERE trial = :trial "
    "AND due_at <= :now ORDER BY due_at, id LIMIT :limit) RETURNING decision_id"
)

One = TypeVar("One", bound=TrafficTrial)
Step = TypeVar("Step", bound=TrialEvent)


class TrialStore(Generic[One, Step]):
    """The rows of one kind of trial, by automation and number, with their events and counts."""

    def __init__(self, trial: type[One], event: type[Step]) -> None:
        self._trial, self._event = trial, event

    @property
    def watched_sql(self) -> str:
        """A condition: a worker has a trial of this kind to watch, or questions of one to withdraw."""
        kind = f"kind = '{self._trial.kind}'"
        return (
            f"(EXISTS (SELECT FROM trials WHERE {kind} AND {_UNDER_WAY}) OR EXISTS (SELECT FROM trial_questions q "
            f"JOIN trials t ON t.id = q.trial WHERE {kind} AND ended_at IS NOT NULL))"
        )

    def find(self, tx: Tx, automation: str, number: int, *, for_update: bool = False) -> One | None:
        """Return one; `for_update` lets nobody else move it until the transaction ends."""
        query = self._select().where(trials.c.automation == automation, trials.c.number == number)
        row = tx.execute(query.with_for_update() if for_update else query).one_or_none()
        return None if row is None else self._read(row)

    def watched(self, tx: Tx) -> list[tuple[str, int]]:
        """Return the automations and numbers of those that a worker watches, oldest first."""
        return [(one.automation, one.number) for one in self.open_ones(tx, by_age=True) if one.is_watched]

    def open_ones(self, tx: Tx, *, by_age: bool = False) -> list[One]:
        """Return those that are not over, by automation or by age."""
        c = trials.c
        query = self._select().where(c.ended_at.is_(None))
        query = query.order_by(c.created_at, c.id) if by_age else query.order_by(c.automation)
        return [self._read(row) for row in tx.execute(query)]

    def page(self, tx: Tx, automations: Sequence[str] | None, *, limit: int) -> list[One]:
        """Return those of some automations, or of all; newest first."""
        query = self._select().order_by(trials.c.created_at.desc(), trials.c.id.desc()).limit(limit)
        if automations is not None:
            query = query.where(trials.c.automation.in_(automations))
        return [self._read(row) for row in tx.execute(query)]

    def next_number(self, tx: Tx, automation: str) -> int:
        """Return the next number of an automation; hold its split first."""
        c = trials.c
        newest = select(func.coalesce(func.max(c.number), 0)).where(
            c.kind == self._trial.kind, c.automation == automation
        )
        return int(tx.execute(newest).scalar_one()) + 1

    def add(self, tx: Tx, one: One) -> None:
        """Write a new one."""
        tx.execute(insert(trials).values(_values(one)))

    def save(self, tx: Tx, one: One) -> None:
        """Overwrite a trial; find it for update first."""
        tx.execute(update(trials).where(trials.c.id == one.id).values(_values(one)))

    def ended_counts(self, tx: Tx) -> list[tuple[str, str, int]]:
        """Return how many of each automation ended in each state; what was adopted had been decided."""
        c = trials.c
        state = case((c.state == "adopted", "decided"), else_=c.state)
        query = select(c.automation, state, func.count()).where(c.kind == self._trial.kind, c.ended_at.is_not(None))
        found = tx.execute(query.group_by(c.automation, state).order_by(c.automation, state))
        return [(automation, ended, int(count)) for automation, ended, count in found]

    def take_left_over(self, tx: Tx) -> tuple[str, list[UUID]] | None:
        """Take the questions of a trial that is over. Return its name, and their keys; None if there are none."""
        over = self._select().where(trials.c.ended_at.is_not(None), trials.c.id == trial_questions.c.trial)
        row = tx.execute(over.limit(1)).one_or_none()
        if row is None:
            return None
        asked = delete(trial_questions).where(trial_questions.c.trial == row.id).returning(trial_questions.c.key)
        return self._read(row).name, list(tx.execute(asked).scalars())

    def add_event(self, tx: Tx, trial: UUID, event: Step) -> None:
        """Write the next event of a trial, which gives it its number."""
        newest = select(func.coalesce(func.max(trial_events.c.number), 0) + 1).where(trial_events.c.trial == trial)
        values = {name: getattr(event, name) for name in TrialEvent.__dataclass_fields__}
        values |= {"trial": trial, "number": newest.scalar_subquery(), "own": event.own()}
        tx.execute(insert(trial_events).values(values))

    def events_of(self, tx: Tx, trial: UUID) -> list[Step]:
        """Return the events of a trial, oldest first."""
        query = select(trial_events).where(trial_events.c.trial == trial).order_by(trial_events.c.number)
        return [self._event_of(row) for row in tx.execute(query)]

    def _select(self) -> Select[Any]:
        return select(trials).where(trials.c.kind == self._trial.kind)

    def _read(self, row: Row[Any]) -> One:
        common = {name: row._mapping[name] for name in COMMON}
        for name in ("arms", "shadows_before"):
            common[name] = tuple(map(Candidate.parse, common[name]))
        common["state"] = self._trial.states(row.state)
        return self._trial.read(common, row.own)

    def _event_of(self, row: Row[Any]) -> Step:
        values = {name: row._mapping[name] for name in TrialEvent.__dataclass_fields__}
        before, states = row.state_before, self._trial.states
        values |= {"state_before": None if before is None else states(before), "state_after": states(row.state_after)}
        return self._event(**values, **row.own)


def find_open(tx: Tx, automation: str) -> Row[str, int, str, str] | None:
    """Return the kind and number of the open trial of an automation, who started it, and why."""
    c = trials.c
    query = select(c.kind, c.number, c.started_by, c.reason).where(c.automation == automation, c.ended_at.is_(None))
    return tx.execute(query).one_or_none()


def counts_of(tx: Tx, trial: UUID) -> dict[str, Mapping[str, Any]]:
    """Return what a trial has counted, by name."""
    query = select(trial_counts.c.name, trial_counts.c.body).where(trial_counts.c.trial == trial)
    return {row.name: row.body for row in tx.execute(query)}


def save_counts(tx: Tx, trial: UUID, bodies: Mapping[str, Mapping[str, Any]]) -> None:
    """Write what a trial has counted."""
    if bodies:
        made = upsert(trial_counts)
        made = made.on_conflict_do_update(index_elements=["trial", "name"], set_={"body": made.excluded.body})
        tx.execute(made, [{"trial": trial, "name": name, "body": body} for name, body in bodies.items()])


def new_units(tx: Tx, trial: UUID, units: Iterable[tuple[str, bytes]]) -> set[tuple[str, bytes]]:
    """Note units as counted in a list; return those that were not yet."""
    wanted = sorted(set(units))
    if not wanted:
        return set()
    lists, values = zip(*wanted, strict=True)
    found = tx.execute(_NEW_UNITS, {"trial": trial, "lists": list(lists), "units": list(values)})
    return {(row.list, bytes(row.unit)) for row in found}


def note_late(tx: Tx, automation: str, decisions: Sequence[UUID], due_at: datetime) -> None:
    """Note that something became known of decisions, for the automation's trial if one is watched."""
    tx.execute(_NOTE, {"automation": automation, "decisions": list(decisions), "due_at": due_at})


def note_again(tx: Tx, trial: UUID, due: Mapping[UUID, datetime]) -> None:
    """Have decisions looked at later."""
    if due:
        tx.execute(
            insert(trial_labels), [{"trial": trial, "decision_id": key, "due_at": at} for key, at in due.items()]
        )


def take_late(tx: Tx, trial: UUID, now: datetime, limit: int) -> list[UUID]:
    """Take decisions that are to be looked at by now, each once."""
    taken = tx.execute(_TAKE, {"trial": trial, "now": now, "limit": limit})
    return list(dict.fromkeys(row.decision_id for row in taken))


def add_questions(tx: Tx, trial: UUID, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write decisions on which the arms predict otherwise, with the keys of questions about them."""
    if rows:
        tx.execute(insert(trial_questions), [{"trial": trial, **row} for row in rows])


def units_in_question(tx: Tx, trial: UUID, units: Sequence[bytes]) -> set[bytes]:
    """Return which of these units have a decision on which the arms predict otherwise."""
    c = trial_questions.c
    return set(tx.execute(select(c.unit).where(c.trial == trial, c.unit.in_(units))).scalars())


def looked_at(tx: Tx, trial: UUID, decisions: Sequence[UUID]) -> set[UUID]:
    """Return which of these decisions are in question, and looked at without one."""
    c = trial_questions.c
    query = select(c.decision_id).where(c.trial == trial, c.key.is_(None), c.decision_id.in_(decisions))
    return set(tx.execute(query).scalars())


def take_questions(tx: Tx, trial: UUID, now: datetime, limit: int) -> list[Row[UUID, bytes, UUID, datetime]]:
    """Take what is due of that in question, each once: the decision, its unit, the key, and when it was due."""
    c = trial_questions.c
    due = select(c.unit).where(c.trial == trial, ~c.told, c.due_at <= now)
    taken = update(trial_questions).where(c.trial == trial, c.unit.in_(due.order_by(c.due_at).limit(limit)))
    return list(tx.execute(taken.values(told=True).returning(c.decision_id, c.unit, c.key, c.due_at)).all())


def forget(tx: Tx, trial: UUID) -> None:
    """Forget what only a trial under way needs."""
    for table in (trial_units, trial_labels):
        tx.execute(delete(table).where(table.c.trial == trial))
    tx.execute(delete(trial_questions).where(trial_questions.c.trial == trial, trial_questions.c.key.is_(None)))


def _values(one: TrafficTrial) -> dict[str, Any]:
    values = {name: getattr(one, name) for name in COMMON}
    for name in ("arms", "shadows_before"):
        values[name] = [str(arm) for arm in values[name]]
    return {**values, "kind": one.kind, "own": one.own()}
