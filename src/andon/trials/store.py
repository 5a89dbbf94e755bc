"""SQL that experiments and rollouts share: their tables have the same shape. Never commits.

Each slice hands in its own tables, which nobody else touches.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

from sqlalchemy import Row, Table, delete, func, insert, select, text, update

from andon.kernel.db import Tx


class NumberedTrial(Protocol):
    """An experiment or a rollout, as far as its row goes."""

    @property
    def id(self) -> UUID: ...


One = TypeVar("One", bound=NumberedTrial)


class TrialRows(Generic[One]):
    """The rows of one kind of trial, by automation and number. At most one of an automation is not over."""

    def __init__(
        self, table: Table, read: Callable[[Row[Any]], One], written: Callable[[One], Mapping[str, Any]]
    ) -> None:
        self._table, self._read, self._written = table, read, written

    def find_open(self, tx: Tx, automation: str) -> One | None:
        """Return the open trial of an automation."""
        c = self._table.c
        query = select(self._table).where(c.automation == automation, c.ended_at.is_(None))
        row = tx.execute(query).one_or_none()
        return None if row is None else self._read(row)

    def find(self, tx: Tx, automation: str, number: int, *, for_update: bool = False) -> One | None:
        """Return one; `for_update` lets nobody else move it until the transaction ends."""
        c = self._table.c
        query = select(self._table).where(c.automation == automation, c.number == number)
        row = tx.execute(query.with_for_update() if for_update else query).one_or_none()
        return None if row is None else self._read(row)

    def watched(self, tx: Tx, states: Sequence[str]) -> list[tuple[str, int]]:
        """Return the automations and numbers of those in these states that are not over, oldest first."""
        c = self._table.c
        query = select(c.automation, c.number).where(c.ended_at.is_(None), c.state.in_(states))
        return [(row.automation, row.number) for row in tx.execute(query.order_by(c.created_at, c.id))]

    def open_ones(self, tx: Tx) -> list[One]:
        """Return the open trials, by automation."""
        c = self._table.c
        query = select(self._table).where(c.ended_at.is_(None)).order_by(c.automation)
        return [self._read(row) for row in tx.execute(query)]

    def page(self, tx: Tx, automations: Sequence[str] | None, *, limit: int) -> list[One]:
        """Return those of some automations, or of all; newest first."""
        c = self._table.c
        query = select(self._table).order_by(c.created_at.desc(), c.id.desc()).limit(limit)
        if automations is not None:
            query = query.where(c.automation.in_(automations))
        return [self._read(row) for row in tx.execute(query)]

    def next_number(self, tx: Tx, automation: str) -> int:
        """Return the next number of an automation; hold its split first."""
        c = self._table.c
        newest = select(func.coalesce(func.max(c.number), 0)).where(c.automation == automation)
        return int(tx.execute(newest).scalar_one()) + 1

    def add(self, tx: Tx, one: One) -> None:
        """Write a new one."""
        tx.execute(insert(self._table).values(id=one.id, **self._written(one)))

    def save(self, tx: Tx, one: One) -> None:
        """Overwrite a trial; find it for update first."""
        tx.execute(update(self._table).where(self._table.c.id == one.id).values(**self._written(one)))


class TrialUnits:
    """Counted units, each once in every list, and decisions with later labels or reports.

    `watched` is the condition on a trial, named `t`, that a worker watches.
    """

    def __init__(self, trials: Table, units: Table, late: Table, *, watched: str) -> None:
        self._units, self._late = units, late
        trial, listed, _ = (column.name for column in units.columns)
        self._trial, self._listed = trial, listed
        self._new = text(
            f"INSERT INTO {units.name} ({trial}, {listed}, unit) "
            "SELECT :trial, * FROM unnest(CAST(:lists AS text[]), CAST(:units AS bytea[])) "
            f"ON CONFLICT DO NOTHING RETURNING {listed} AS list, unit"
        )
        self._note = text(
            f"INSERT INTO {late.name} ({trial}, decision_id, due_at) "
            f"SELECT t.id, d, :due_at FROM {trials.name} t, unnest(CAST(:decisions AS uuid[])) AS d "
            f"WHERE t.automation = :automation AND {watched}"
        )
        self._take = text(
            f"DELETE FROM {late.name} WHERE id IN (SELECT id FROM {late.name} WHERE {trial} = :trial "
            "AND due_at <= :now ORDER BY due_at, id LIMIT :limit) RETURNING decision_id"
        )

    def new_units(self, tx: Tx, trial: UUID, units: Iterable[tuple[str, bytes]]) -> set[tuple[str, bytes]]:
        """Note units as counted in a list; return those that were not yet."""
        wanted = sorted(set(units))
        if not wanted:
            return set()
        lists, values = zip(*wanted, strict=True)
        found = tx.execute(self._new, {"trial": trial, "lists": list(lists), "units": list(values)})
        return {(row.list, bytes(row.unit)) for row in found}

    def count(self, tx: Tx, trial: UUID, listed: str) -> int:
        """Return the number of units in a list."""
        c = self._units.c
        query = select(func.count()).where(c[self._trial] == trial, c[self._listed] == listed)
        return int(tx.execute(query).scalar_one())

    def note_late(self, tx: Tx, automation: str, decisions: Sequence[UUID], due_at: datetime) -> None:
        """Note that something became known of decisions, for the automation's trial if one is watched."""
        tx.execute(self._note, {"automation": automation, "decisions": list(decisions), "due_at": due_at})

    def note_again(self, tx: Tx, trial: UUID, due: Mapping[UUID, datetime]) -> None:
        """Have decisions looked at later."""
        if due:
            rows = [{self._trial: trial, "decision_id": key, "due_at": at} for key, at in due.items()]
            tx.execute(insert(self._late), rows)

    def take_late(self, tx: Tx, trial: UUID, now: datetime, limit: int) -> list[UUID]:
        """Take decisions that are to be looked at by now, each once."""
        taken = tx.execute(self._take, {"trial": trial, "now": now, "limit": limit})
        return list(dict.fromkeys(row.decision_id for row in taken))

    def forget(self, tx: Tx, trial: UUID) -> None:
        """Forget what only a trial under way needs."""
        for table in (self._units, self._late):
            tx.execute(delete(table).where(table.c[self._trial] == trial))
