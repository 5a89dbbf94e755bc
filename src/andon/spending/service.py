"""Queries of spending, and the units of work of its writers. Each takes the transaction of its caller."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from uuid import UUID

from andon.kernel.db import Tx
from andon.kernel.events import Events
from andon.spending import store
from andon.spending.domain import BudgetStanding, BudgetState, Period, Spend, digits, forfeit, with_idle
from andon.spending.published import BudgetChanged, BudgetNearlySpent, BudgetUsedUp
from andon.spending.store import BudgetRow
from andon.spending.tally import TakenSpend

_FORGOTTEN = timedelta(days=1)
"""After this time without an addition, a process cannot repeat one, so its row is deleted."""


def of(tx: Tx, automation: str, since: date, until: date) -> list[Spend]:
    """Return an automation's spending by day (both included, newest first) and model version, with its idle cost."""
    return _shared(tx, [automation], since, until)


def of_all(tx: Tx, automations: Sequence[str] | None, since: date, until: date) -> list[Spend]:
    """Return the same as `of` for several automations; None means all."""
    return _shared(tx, automations, since, until)


def budget_state(tx: Tx, automation: str, now: datetime) -> BudgetState | None:
    """Return an automation's budget in the present period; None if it has none, or no process has opened it."""
    row = store.find_budget(tx, automation, now.date())
    return None if row is None else state_of(row)


def state_of(row: BudgetRow) -> BudgetState:
    """Return the state of a budget from its row."""
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
    """Begin a period, or update its amount. Publish the budget if it differs from the automation's last."""
    store.lock_budgets(tx, period.automation)
    last = store.last_budget(tx, period.automation)
    store.open_budget(tx, period, amount, now)
    before = None if last is None else (last.period.per, last.period.currency, digits(last.book.amount))
    after = (period.per, period.currency, digits(amount))
    if before != after:
        events.publish(tx, BudgetChanged(period.automation, *after, *(before or (None, None, None)), at=now))


def add(tx: Tx, writer: UUID, taken: TakenSpend, currency: str, now: datetime) -> bool:
    """Write an addition of a process. If it was written before, write nothing and return False."""
    if not store.first_time(tx, writer, taken.number, now):
        return False
    if taken.rows:
        store.add(tx, taken.rows)
    if taken.idle_cpu_us:
        store.add_idle(tx, now.date(), currency, taken.idle_cpu_us, taken.idle_cost)
    return True


def forfeit_overdue(tx: Tx, now: datetime) -> int:
    """Count the holdings of purses that did not renew in time as spent. Return their number.

    Their processes are dead, or notice the missing rows at their next renewal.
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


def noted(tx: Tx, row: BudgetRow, used_up: bool, events: Events, now: datetime) -> BudgetRow:
    """Return a budget with the first-time events of its period recorded, after publishing them."""
    if row.book.is_nearly_spent and row.nearly_at is None:
        row = replace(row, nearly_at=now)
        events.publish(tx, BudgetNearlySpent(*_stand(row), at=now))
    if used_up and row.used_up_at is None:
        row = replace(row, used_up_at=now)
        events.publish(tx, BudgetUsedUp(*_stand(row), at=now))
    return row


def _stand(row: BudgetRow) -> tuple[str, str, date, str, str, str]:
    """Return the fields of a budget, in the order of its events' fields."""
    period, book = row.period, row.book
    return period.automation, period.per, period.starts_on, period.currency, digits(book.amount), digits(book.spent)
