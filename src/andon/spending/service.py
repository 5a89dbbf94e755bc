"""Queries of spending, and the units of work of its writers. Each takes the transaction of its caller."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from uuid import UUID

from andon.kernel.db import Tx
from andon.kernel.events import Events
from andon.spending import store
from andon.spending.domain import BudgetStanding, BudgetState, Period, Spend, digits, forfeit, with_idle
from andon.spending.published import BudgetChanged
from andon.spending.store import BudgetRow
from andon.spending.tally import TakenSpend

_FORGOTTEN = timedelta(days=1)
"""A process that added nothing for so long adds nothing twice any more."""


def of(tx: Tx, automation: str, since: date, until: date) -> list[Spend]:
    """Return an automation's spending by day (both included, newest first) and model version, with its idle cost."""
    return _shared(tx, [automation], since, until)


def of_all(tx: Tx, automations: Sequence[str] | None, since: date, until: date) -> list[Spend]:
    """Return the same of several automations; None stands for all."""
    return _shared(tx, automations, since, until)


def budget_state(tx: Tx, automation: str, now: datetime) -> BudgetState | None:
    """Return an automation's budget in the present period; None without one, or if nothing runs that would spend it."""
    row = store.find_budget(tx, automation, now.date())
    return None if row is None else state_of(row)


def state_of(row: BudgetRow) -> BudgetState:
    """Return the standing of a budget."""
    standing = BudgetStanding.NEARLY_SPENT if row.book.is_nearly_spent else BudgetStanding.OPEN
    return BudgetState(
        period=row.period,
        amount=row.book.amount,
        spent=row.book.spent,
        reserved=row.book.reserved,
        standing=BudgetStanding.SPENT if row.used_up_at is not None else standing,
        nearly_at=row.nearly_at,
        used_up_at=row.used_up_at,
    )


def open_budget(tx: Tx, period: Period, amount: int, events: Events, now: datetime) -> None:
    """Begin a period, or update its amount; publish the budget if it differs from the automation's last."""
    store.lock_budgets(tx, period.automation)
    last = store.last_budget(tx, period.automation)
    store.open_budget(tx, period, amount, now)
    before = None if last is None else (last.period.per, last.period.currency, digits(last.book.amount))
    after = (period.per, period.currency, digits(amount))
    if before != after:
        events.publish(tx, BudgetChanged(period.automation, *after, *(before or (None, None, None)), at=now))


def add(tx: Tx, writer: UUID, taken: TakenSpend, currency: str, now: datetime) -> bool:
    """Write what a process added up; False, and nothing, if this very addition was written before."""
    if not store.first_time(tx, writer, taken.number, now):
        return False
    if taken.rows:
        store.add(tx, taken.rows)
    if taken.idle_cpu_us:
        store.add_idle(tx, now.date(), currency, taken.idle_cpu_us, taken.idle_cost)
    return True


def forfeit_overdue(tx: Tx, now: datetime) -> int:
    """Count the holdings of purses that did not renew in time as spent; return their number.

    Their processes are dead, or will notice.
    """
    count = 0
    for period in store.overdue_periods(tx, now):
        row = store.lock(tx, period)
        book = row.book
        for purse, hold in store.overdue_holds(tx, period, now).items():
            book = forfeit(book, hold)
            store.drop_hold(tx, period, purse)
            count += 1
        store.save(tx, BudgetRow(period, book, row.nearly_at, row.used_up_at))
    return count


def keep_house(tx: Tx, now: datetime) -> None:
    """Delete the rows of processes that ended long ago."""
    store.forget_writers(tx, now - _FORGOTTEN)


def _shared(tx: Tx, automations: Sequence[str] | None, since: date, until: date) -> list[Spend]:
    rows = store.spent(tx, automations, since, until)
    return with_idle(rows, store.idle(tx, since, until), store.decided(tx, since, until))


def has_room(tx: Tx, automation: str, now: datetime) -> bool:
    """Return whether an automation's budget has something left; without a budget there is always room."""
    row = store.find_budget(tx, automation, now.date())
    return row is None or row.book.room > 0


def charge(tx: Tx, automation: str, currency: str, cost: int, *, now: datetime) -> None:
    """Add what was paid outside for an automation, in nano-units, to its spending and to its budget."""
    store.add(tx, [Spend(now.date(), automation, 0, currency, 0, 0, 0, cost)])
    found = store.find_budget(tx, automation, now.date())
    if found is None or found.period.currency != currency:
        return
    row = store.lock(tx, found.period)
    book = replace(row.book, spent=row.book.spent + cost)
    nearly = now if row.nearly_at is None and book.is_nearly_spent else row.nearly_at
    used_up = now if row.used_up_at is None and book.room == 0 else row.used_up_at
    store.save(tx, replace(row, book=book, nearly_at=nearly, used_up_at=used_up))
