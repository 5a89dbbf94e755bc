"""Requests to paid services, such as language models, paid from the same budgets as predictions.

Before a request, the most that it may cost is reserved in a holding of its own. Afterwards its true cost is settled and
the rest returned. If its process was killed, the request may have cost money: once its holding is overdue, all of it
counts as spent, as with a lost purse. So a budget is not overspent as long as no request costs more than its most.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID, uuid4

from andon.authoring import Budget
from andon.kernel.db import Tx
from andon.kernel.events import Events
from andon.spending import service, store
from andon.spending.domain import Hold, Period, Spend, amount_of, digits, period_of, resize, settle
from andon.spending.errors import BudgetExhausted
from andon.spending.settings import budgets_in_force


@dataclass(frozen=True, slots=True)
class Advance:
    """The amount reserved for one request, in nano-units. Without a `period`, nothing is reserved."""

    id: UUID
    automation: str
    most: int
    period: Period | None


class Advances:
    """Reserves and settles advances. Each method runs in the transaction of its caller."""

    def __init__(self, declared: Mapping[str, Budget], currency: str, events: Events) -> None:
        self._declared, self._currency, self._events = declared, currency, events

    def take(self, tx: Tx, automation: str, most: int, *, until: datetime, now: datetime) -> Advance:
        """Reserve the most that a request may cost. It counts as spent if it is not settled by `until`.

        Raises BudgetExhausted.
        """
        budget = budgets_in_force(tx, self._declared).get(automation)
        advance = Advance(uuid4(), automation, most, None)
        if budget is None or not most:
            return advance
        period = period_of(automation, budget, self._currency, now)
        row = store.find_locked(tx, period)
        if row is None:
            service.open_budget(tx, period, amount_of(budget), self._events, now)
            row = store.lock(tx, period)
        if row.book.room < most:
            raise BudgetExhausted(
                f"The budget of {automation} has {digits(row.book.room)} {self._currency} left in this {period.per}; "
                f"this request may cost {digits(most)}"
            )
        book, hold = resize(row.book, Hold(), most)
        store.save_hold(tx, period, advance.id, hold, until)
        store.save(tx, replace(row, book=book))
        return replace(advance, period=period)

    def settle(self, tx: Tx, advance: Advance, cost: int, now: datetime) -> None:
        """Count the cost of a request, and give the rest of its advance back to the budget."""
        if cost:
            store.add(tx, [Spend(now.date(), advance.automation, 0, self._currency, 0, 0, 0, cost)])
        if advance.period is None:
            return
        row = store.lock(tx, advance.period)
        hold = store.holds(tx, advance.period).get(advance.id)
        if hold is None:  # it was overdue, so all of it counts as spent
            book = replace(row.book, spent=row.book.spent + max(0, cost - advance.most))
        else:
            book, hold = settle(row.book, hold, cost)
            book, _ = resize(book, hold, cost)
            store.drop_hold(tx, advance.period, advance.id)
        store.save(tx, service.noted(tx, replace(row, book=book), book.spent >= book.spendable, self._events, now))
