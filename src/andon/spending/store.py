"""All SQL about spending and budgets. It never commits. Changes of a budget or its purses require its lock (`lock`)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Numeric, Row, Table, and_, case, cast, delete, func, select, text, update
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.dialects.postgresql import insert as upsert

from andon.authoring import Budget
from andon.kernel.db import Tx
from andon.spending.domain import NANO, NEARLY, Book, Hold, Period, Spend
from andon.spending.tables import budget_purses, budget_settings, budgets, spend, spend_idle, spend_writers

_SPENT = ("day", "automation", "version", "currency", "decisions", "cpu_us", "gpu_us", "cost")
_SUMMED = ("decisions", "cpu_us", "gpu_us", "cost")
_LOCK = 0x62756467
"""First key of the advisory lock on an automation's budgets."""

_PERIOD = ("automation", "per", "starts_on", "currency")


@dataclass(frozen=True, slots=True)
class BudgetRow:
    """A budget of one period. Its `book` does not hold the number of purses."""

    period: Period
    book: Book
    nearly_at: datetime | None
    used_up_at: datetime | None


def first_time(tx: Tx, writer: UUID, number: int, now: datetime) -> bool:
    """Note the number of a process's addition. Return False if that addition was made before."""
    statement = upsert(spend_writers).values(writer=writer, number=number, added_at=now)
    statement = statement.on_conflict_do_update(
        index_elements=["writer"],
        set_={"number": number, "added_at": now},
        where=spend_writers.c.number < number,
    )
    return tx.execute(statement.returning(spend_writers.c.number)).one_or_none() is not None


def forget_writers(tx: Tx, before: datetime) -> int:
    """Delete the rows of processes whose last addition was before a moment. Return their number."""
    return tx.execute(delete(spend_writers).where(spend_writers.c.added_at < before)).rowcount


def add(tx: Tx, rows: Sequence[Spend]) -> None:
    """Add to what was spent, always in the same order, so that two processes never deadlock."""
    ordered = sorted(rows, key=lambda row: (row.day, row.automation, row.version, row.currency))
    values = [{name: getattr(row, name) for name in _SPENT} for row in ordered]
    statement = upsert(spend)
    added: dict[str, Any] = {name: spend.c[name] + statement.excluded[name] for name in _SUMMED}
    tx.execute(statement.on_conflict_do_update(constraint=spend.primary_key, set_=added), values)


def add_idle(tx: Tx, day: date, currency: str, cpu_us: int, cost: int) -> None:
    """Add to the time that processes used and no decision did."""
    statement = upsert(spend_idle).values(day=day, currency=currency, cpu_us=cpu_us, cost=cost)
    added = {"cpu_us": spend_idle.c.cpu_us + cpu_us, "cost": spend_idle.c.cost + cost}
    tx.execute(statement.on_conflict_do_update(constraint=spend_idle.primary_key, set_=added))


def spent(tx: Tx, automations: Sequence[str] | None, first: date, last: date) -> list[Spend]:
    """Return the spending of these automations (None: all) on these days, newest day first."""
    query = select(spend).where(spend.c.day.between(first, last))
    if automations is not None:
        query = query.where(spend.c.automation.in_(automations))
    rows = tx.execute(query.order_by(spend.c.day.desc(), spend.c.automation, spend.c.version, spend.c.currency))
    return [Spend(**row._mapping) for row in rows]


def idle(tx: Tx, first: date, last: date) -> Mapping[tuple[date, str], int]:
    """Return the idle cost of each day, by currency."""
    rows = tx.execute(select(spend_idle).where(spend_idle.c.day.between(first, last)))
    return {(row.day, row.currency): row.cost for row in rows}


def decided(tx: Tx, first: date, last: date) -> Mapping[tuple[date, str], int]:
    """Return how many decisions all automations made on each day, by currency."""
    query = select(spend.c.day, spend.c.currency, func.sum(spend.c.decisions).label("decisions"))
    query = query.where(spend.c.day.between(first, last)).group_by(spend.c.day, spend.c.currency)
    return {(row.day, row.currency): int(row.decisions) for row in tx.execute(query)}


def lock_budgets(tx: Tx, automation: str) -> None:
    """Keep others from opening a budget of this automation until this transaction ends."""
    tx.execute(text("SELECT pg_advisory_xact_lock(:key, hashtext(:name))"), {"key": _LOCK, "name": automation})


def last_budget(tx: Tx, automation: str) -> BudgetRow | None:
    """Return the latest budget of an automation, of any period."""
    mine = budgets.c.automation == automation
    row = tx.execute(select(budgets).where(mine).order_by(budgets.c.opened_at.desc()).limit(1)).one_or_none()
    return None if row is None else _budget(row)


def open_budget(tx: Tx, period: Period, amount: int, now: datetime) -> None:
    """Begin a period, or update its amount. A raised budget is no longer spent, and maybe no longer nearly spent."""
    statement = upsert(budgets).values(
        **_key(period), ends_on=period.ends_on, amount=amount, spent=0, reserved=0, opened_at=now
    )
    raised, far_from_spent = budgets.c.amount < amount, cast(budgets.c.spent, Numeric) * 100 < amount * NEARLY
    again = {
        "amount": amount,
        "opened_at": now,
        "nearly_at": case((raised & far_from_spent, None), else_=budgets.c.nearly_at),
        "used_up_at": case((raised, None), else_=budgets.c.used_up_at),
    }
    tx.execute(statement.on_conflict_do_update(constraint=budgets.primary_key, set_=again))


def add_setting(
    tx: Tx, automation: str, number: int, per: str | None, amount: int | None, *, by: str, reason: str, at: datetime
) -> None:
    """Write one change of a budget by a person."""
    values = {"per": per, "amount": amount, "set_by": by, "reason": reason, "set_at": at}
    tx.execute(budget_settings.insert().values(automation=automation, number=number, **values))


def settings_of(tx: Tx, automation: str, limit: int | None) -> Sequence[Row[Any]]:
    """Read the changes of an automation's budget by people, newest first."""
    query = select(budget_settings).where(budget_settings.c.automation == automation)
    return tx.execute(query.order_by(budget_settings.c.number.desc()).limit(limit)).all()


def set_budgets(tx: Tx) -> dict[str, Budget]:
    """Read the budgets that people set and did not clear, by automation."""
    query = select(budget_settings).ext(distinct_on(budget_settings.c.automation))
    rows = tx.execute(query.order_by(budget_settings.c.automation, budget_settings.c.number.desc()))
    return {row.automation: budget for row in rows if (budget := budget_in(row)) is not None}


def budget_in(row: Row[Any]) -> Budget | None:
    """Return the budget in a row of settings; None if it was cleared."""
    return None if row.amount is None else Budget(row.amount / NANO, row.per)


def lock(tx: Tx, period: Period) -> BudgetRow:
    """Return a budget, locked until this transaction ends. It must have been opened."""
    return _budget(tx.execute(select(budgets).where(_is(budgets, period)).with_for_update()).one())


def find_locked(tx: Tx, period: Period) -> BudgetRow | None:
    """Return a budget, locked until this transaction ends; None if it was not opened."""
    row = tx.execute(select(budgets).where(_is(budgets, period)).with_for_update()).one_or_none()
    return None if row is None else _budget(row)


def save(tx: Tx, row: BudgetRow) -> None:
    """Write the state of a locked budget."""
    values = {
        "spent": row.book.spent,
        "reserved": row.book.reserved,
        "nearly_at": row.nearly_at,
        "used_up_at": row.used_up_at,
    }
    tx.execute(update(budgets).where(_is(budgets, row.period)).values(**values))


def holds(tx: Tx, period: Period) -> dict[UUID, Hold]:
    """Return the holding of each purse in a locked budget."""
    rows = tx.execute(select(budget_purses).where(_is(budget_purses, period)))
    return {row.purse: Hold(row.granted, row.used) for row in rows}


def save_hold(tx: Tx, period: Period, purse: UUID, hold: Hold, until: datetime) -> None:
    """Write a purse's holding in a locked budget, and the time at which it counts as lost."""
    values = {"granted": hold.granted, "used": hold.used, "until": until}
    statement = upsert(budget_purses).values(**_key(period), purse=purse, **values)
    tx.execute(statement.on_conflict_do_update(constraint=budget_purses.primary_key, set_=values))


def drop_hold(tx: Tx, period: Period, purse: UUID) -> None:
    """Delete a purse's holding in a locked budget."""
    tx.execute(delete(budget_purses).where(_is(budget_purses, period), budget_purses.c.purse == purse))


def overdue_periods(tx: Tx, now: datetime) -> list[Period]:
    """Return the budgets with a holding that was not renewed in time, in locking order."""
    columns = [budget_purses.c[name] for name in _PERIOD]
    query = select(*columns).where(budget_purses.c.until < now).distinct().order_by(*columns)
    return [Period(**row._mapping) for row in tx.execute(query)]


def overdue_holds(tx: Tx, period: Period, now: datetime) -> dict[UUID, Hold]:
    """Return the holdings in a locked budget of purses that did not renew in time."""
    query = select(budget_purses).where(_is(budget_purses, period), budget_purses.c.until < now)
    return {row.purse: Hold(row.granted, row.used) for row in tx.execute(query)}


def find_budget(tx: Tx, automation: str, on: date) -> BudgetRow | None:
    """Return the budget whose period includes a day; of several (a day's and a month's), the one opened last."""
    mine = (budgets.c.automation == automation) & (budgets.c.starts_on <= on) & (budgets.c.ends_on > on)
    row = tx.execute(select(budgets).where(mine).order_by(budgets.c.opened_at.desc()).limit(1)).one_or_none()
    return None if row is None else _budget(row)


def _key(period: Period) -> dict[str, Any]:
    return {name: getattr(period, name) for name in _PERIOD}


def _is(table: Table, period: Period) -> ColumnElement[bool]:
    return and_(*(table.c[name] == value for name, value in _key(period).items()))


def _budget(row: Row[Any]) -> BudgetRow:
    return BudgetRow(
        period=Period(row.automation, row.per, row.starts_on, row.currency),
        book=Book(row.amount, row.spent, row.reserved),
        nearly_at=row.nearly_at,
        used_up_at=row.used_up_at,
    )
