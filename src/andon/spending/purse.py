"""One process's allowance from its automations' budgets: a block of each, reserved in the database.

`allow` and `settle` work in memory only, from any thread. `renew` and `close` write to the database, from a thread of
their own.

Three invariants keep a budget from being overspent, even if a process dies or loses its connection:

1. In the database, `spent + reserved <= spendable`, where `reserved` is the sum of `granted - used` over all purses.
   Every change holds the lock of the budget's row, so each renewal sees the one before.
2. In memory, a wallet's `granted` is never more than its row's. It is raised only after the row's commit, and lowered
   before the row. `used` is written as a total, not as a difference, so a renewal whose commit is in doubt is repeated.
3. In memory, `used + bound <= granted` (`wallet.py`).

So the use of all predictions is at most the total granted, which is at most the spendable amount. A killed process
reports no more use: when its lease has run out, all that it held counts as spent, which is at least its use. If it is
alive after all, it may use up its block, which is paid. At its renewal it finds its row gone and begins a new wallet.
Only a prediction that costs more than its ceiling can break invariant 3; the budget's cushion (one percent) covers it.
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
"""A purse that was not renewed for this long counts as lost, with its process."""


@dataclass(slots=True)
class _Held:
    """A wallet and its database row. `known`: the row was seen or committed. `lost`: the row was gone afterwards."""

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
    """Pays for predictions from budgets. An automation without a budget may make any number of them."""

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
        """Make a purse. `allow` calls `on_low` when a block runs low, so that it is renewed soon."""
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
        """Settle `decisions` allowed predictions, with the time that they used together.

        Predictions that were not allowed are neither counted nor charged here, because no block pays for them.
        """
        paid = self._paid.get(automation)
        if paid is not None and decisions:
            cost = self._price.picos(cpu_us, gpu_us)
            with self._lock:
                paid.account.settle(version, decisions, cost)

    def renew(self, now: datetime, *, only_low: bool = False) -> list[BudgetState]:
        """Write what was used, reserve more or give back, and return the state of the budgets.

        Call it before the first prediction, about once a second, and when `on_low` is called (`only_low`). Raises
        DatabaseUnavailable.
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
        """Apply the budgets that people set or cleared since. Work under way keeps the wallet that pays for it."""
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
        """Count the holdings of processes that did not renew in time as spent. `renew` calls this too.

        Raises DatabaseUnavailable.
        """
        with self._database.begin() as tx:
            lost = service.forfeit_overdue(tx, now)
        if lost:
            log.warning("budget.purses_lost", purses=lost)

    def _present(self, name: str, paid: _Paid, budget: Budget, now: datetime) -> _Held:
        """Return the wallet of the period in which `now` lies; a new one if the period has changed."""
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
        """Return the grant to write. A decrease lowers the wallet at once; an increase reaches it after the commit."""
        if granted >= hold.granted:
            return granted
        with self._lock:
            return min(hold.granted, wallet.lower(granted))

    def _begin_anew(self, paid: _Paid, held: _Held) -> _Held:
        """Begin a new wallet. All that the old one held was counted as spent, so its work under way is paid."""
        log.warning("budget.purse_was_lost", automation=held.period.automation)
        with self._lock:
            held.lost = True
            self._turn(paid)
            paid.present = _Held(held.period, paid.account.wallet)
            return paid.present

    def _leave(self, paid: _Paid, now: datetime) -> None:
        """Settle the wallets of past periods, and drop those without work under way."""
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
