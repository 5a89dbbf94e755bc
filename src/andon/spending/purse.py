"""One process's allowance of its automations' budgets: a block of each, reserved in the database.

`allow` and `settle` touch memory only and may be called from any thread; `renew` and `close` write, in a thread of
their own.

Never overspent, because of three invariants, whatever dies or is cut off:

1. In the database `spent + reserved <= spendable`, where `reserved` is the sum over purses of `granted - used`. Whoever
   changes any of it holds the budget's row lock, so every renewal sees the one before.
2. In memory a wallet's `granted` is never more than its row's. It is raised only to what was committed, and lowered
   before
   the row is. `used` is written as a total, not as a difference: a renewal whose commit was not answered is simply
   repeated.
3. In memory `used + bound <= granted` (`wallet.py`).

So all that predictions used is at most the total granted, which is at most what is spendable. A killed process no
longer reports its use: when its lease has run out all that it held counts as spent, which is at least that. If it lives
after all it may use its block up, for that is paid, and finds its row gone: then it begins a new wallet. Only a
prediction that costs more than its ceiling can exceed 3; the budget's cushion (one percent) is there for that.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from threading import Lock
from uuid import UUID, uuid4

import structlog

from andon.authoring import Budget
from andon.kernel.db import Database
from andon.kernel.events import Events
from andon.spending import service, store
from andon.spending.domain import (
    BudgetState,
    Hold,
    Period,
    Price,
    PurseClaim,
    amount_of,
    digits,
    grant,
    period_of,
    resize,
    settle,
)
from andon.spending.settings import budgets_in_force
from andon.spending.store import BudgetRow
from andon.spending.wallet import DEFAULT_CPU_US, Account, Wallet

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=30)
"""A purse that was not renewed for so long is taken to be lost with its process."""


@dataclass(slots=True)
class _Held:
    """A wallet and its database row: `known` once its row was seen or committed, `lost` when the row was gone again."""

    period: Period
    wallet: Wallet
    id: UUID = field(default_factory=uuid4)
    known: bool = False
    lost: bool = False


@dataclass(slots=True)
class _Paid:
    """A budget, as this process pays from it."""

    budget: Budget | None
    account: Account
    opened: Budget | None = None
    present: _Held | None = None
    leaving: list[_Held] = field(default_factory=list)
    used_up: bool = False


class Purse:
    """Pays for predictions from budgets. An automation without a budget may predict as it likes."""

    def __init__(
        self,
        database: Database,
        budgets: Mapping[str, Budget],
        price: Price,
        *,
        events: Events,
        on_low: Callable[[], None] = lambda: None,
        lease: timedelta = LEASE,
    ) -> None:
        """`on_low` is called by `allow` when a block runs low: renew soon."""
        self._declared, self._default = budgets, price.picos(DEFAULT_CPU_US)
        self._paid = {name: _Paid(budget, Account(self._default)) for name, budget in budgets.items()}
        self._database, self._price, self._events, self._on_low = database, price, events, on_low
        self._lease = lease
        self._lock = Lock()

    def allow(self, automation: str, n: int) -> int:
        """Return how many of `n` predictions may be paid. Each allowed one must be settled once, even if it failed."""
        paid = self._paid.get(automation)
        if paid is None:
            return n
        with self._lock:
            if paid.budget is None:
                return n
            allowed = paid.account.allow(n)
            low = (allowed < n or paid.account.wallet.is_low) and not paid.used_up
        if low:
            self._on_low()
        return allowed

    def settle(self, automation: str, version: int, decisions: int, cpu_us: int, gpu_us: int = 0) -> None:
        """So many of the predictions that were allowed are over and cost so much together.

        Only of those: what was not allowed is neither counted nor charged here, for no block pays for it.
        """
        paid = self._paid.get(automation)
        if paid is not None and decisions:
            cost = self._price.picos(cpu_us, gpu_us)
            with self._lock:
                paid.account.settle(version, decisions, cost)

    def renew(self, now: datetime, *, only_low: bool = False) -> list[BudgetState]:
        """Write what was used, reserve more or give back, and say how the budgets stand. Raises DatabaseUnavailable.

        Call it before the first prediction, about once a second, and when `on_low` is called (`only_low`).
        """
        if not only_low:
            self._follow()
        states = []
        for name, paid in list(self._paid.items()):
            if only_low and not self._is_low(paid):
                continue
            held = None if paid.budget is None else self._present(name, paid, paid.budget, now)
            self._leave(paid, now)
            if held is not None:
                states.append(self._renew_present(paid, held, now))
            elif not paid.leaving:
                del self._paid[name]
        if self._paid and not only_low:
            self.forfeit_overdue(now)
        return states

    def close(self, now: datetime) -> None:
        """Stop paying and return the rest. Work still under way counts as spent when the lease ends."""
        for paid in self._paid.values():
            with self._lock:
                self._turn(paid)
            self._leave(paid, now)

    def _follow(self) -> None:
        """Take over the budgets that people set or cleared since. Work under way keeps what it was paid from."""
        with self._database.begin() as tx:
            wanted = budgets_in_force(tx, self._declared)
        for name in {*wanted, *self._paid}:
            paid, budget = self._paid.get(name), wanted.get(name)
            if paid is None:
                self._paid[name] = _Paid(budget, Account(self._default))
            elif paid.budget != budget:
                with self._lock:
                    if budget is None:
                        self._turn(paid)
                    elif paid.budget is None:
                        paid.account.wallet = Wallet()
                    paid.budget, paid.used_up = budget, False

    def _is_low(self, paid: _Paid) -> bool:
        return paid.account.wallet.is_low or paid.account.asked_in_vain > 0

    def forfeit_overdue(self, now: datetime) -> None:
        """Count the holdings of processes that did not renew in time as spent, as `renew` does.

        Raises DatabaseUnavailable.
        """
        with self._database.begin() as tx:
            lost = service.forfeit_overdue(tx, now)
        if lost:
            log.warning("budget.purses_lost", purses=lost)

    def _present(self, name: str, paid: _Paid, budget: Budget, now: datetime) -> _Held:
        """Return the wallet of the period in which `now` lies, a new one when the period changes."""
        period = period_of(name, budget, self._price.currency, now)
        turned = paid.present is None or paid.present.period != period
        if turned or paid.opened != budget:
            with self._database.begin() as tx:
                service.open_budget(tx, period, amount_of(budget), self._events, now)
            paid.opened = budget
        if paid.present is None or turned:
            with self._lock:
                self._turn(paid)
                paid.present, paid.used_up = _Held(period, paid.account.wallet), False
        return paid.present

    def _turn(self, paid: _Paid) -> None:
        if paid.present is not None:
            paid.account.turn()
            paid.leaving.append(paid.present)
            paid.present = None

    def _renew_present(self, paid: _Paid, held: _Held, now: datetime) -> BudgetState:
        with self._database.begin() as tx:
            row = store.lock(tx, held.period)
            holds = store.holds(tx, held.period)
            if held.known and held.id not in holds:
                held = self._begin_anew(paid, held)
            held.known = held.known or held.id in holds
            hold = holds.get(held.id, Hold())
            with self._lock:
                held.wallet.adopt(hold.granted)
                each, asked_in_vain = paid.account.ceiling.each, paid.account.asked_in_vain
                claim = held.wallet.claim(each, paid.account.want())
            book, hold = settle(replace(row.book, purses=len({*holds, held.id})), hold, claim.used)
            granted = self._agreed(held.wallet, hold, grant(book, hold, claim))
            book, hold = resize(book, hold, granted)
            store.save_hold(tx, held.period, held.id, hold, now + self._lease)
            used_up = asked_in_vain > 0 and claim.bound == 0 and hold.granted - hold.used < claim.each
            after = service.noted(tx, replace(row, book=book), used_up, self._events, now)
            store.save(tx, after)
        held.known = True
        with self._lock:
            held.wallet.adopt(hold.granted)
            held.wallet.given = held.wallet.free
            paid.used_up = used_up
        self._tell(row, after, claim)
        return service.state_of(after)

    def _agreed(self, wallet: Wallet, hold: Hold, granted: int) -> int:
        """Return the amount to write: a decrease agreed with the live wallet, or an increase for after the commit."""
        if granted >= hold.granted:
            return granted
        with self._lock:
            return min(hold.granted, wallet.lower(granted))

    def _begin_anew(self, paid: _Paid, held: _Held) -> _Held:
        """Begin a new wallet: all the old one held was counted as spent, so its work under way is paid."""
        log.warning("budget.purse_was_lost", automation=held.period.automation)
        with self._lock:
            held.lost = True
            self._turn(paid)
            paid.present = _Held(held.period, paid.account.wallet)
            return paid.present

    def _leave(self, paid: _Paid, now: datetime) -> None:
        """Settle the wallets of periods that are over, and let go of those with nothing under way."""
        for held in list(paid.leaving):
            gone = held.wallet.outstanding == 0
            if not held.lost:
                gone = self._settle_leaving(held, now)
            if gone:
                with self._lock:
                    paid.leaving.remove(held)
                    paid.account.leaving.remove(held.wallet)

    def _settle_leaving(self, held: _Held, now: datetime) -> bool:
        """Write a leaving wallet's use and return its excess; return whether none of its work is under way."""
        with self._database.begin() as tx:
            row = store.lock(tx, held.period)
            hold = store.holds(tx, held.period).get(held.id)
            if hold is None:
                held.lost = True
                return held.wallet.outstanding == 0
            with self._lock:
                gone, claim = held.wallet.outstanding == 0, held.wallet.claim(1, 0)
            book, hold = settle(row.book, hold, claim.used)
            book, hold = resize(book, hold, self._agreed(held.wallet, hold, claim.used + claim.bound))
            after = service.noted(tx, replace(row, book=book), False, self._events, now)
            store.save(tx, after)
            if gone:
                store.drop_hold(tx, held.period, held.id)
            else:
                store.save_hold(tx, held.period, held.id, hold, now + self._lease)
        self._tell(row, after, claim)
        return gone

    def _tell(self, before: BudgetRow, after: BudgetRow, claim: PurseClaim) -> None:
        told = {
            "automation": after.period.automation,
            "spent": digits(after.book.spent),
            "amount": digits(after.book.amount),
            "currency": after.period.currency,
            "per": after.period.per,
        }
        if before.nearly_at is None and after.nearly_at is not None:
            log.warning("budget.nearly_spent", **told)
        if before.used_up_at is None and after.used_up_at is not None:
            log.warning("budget.spent", **told, ceiling=digits(claim.each))
        if after.book.spent > after.book.amount >= before.book.spent:
            log.error("budget.overspent", **told)
