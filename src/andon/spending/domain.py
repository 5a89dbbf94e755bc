"""Money, periods, and the book of a budget: spent and reserved amounts. Pure. `wallet.py` is a process's part of it.

Amounts are integers: nano-units of the currency in the database, pico-units in memory (a decision costs about one
nano-unit).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, Literal

from andon.authoring import Budget
from andon.spending.errors import SpanInvalid

NANO = 10**9
"""Nano-units in one unit of a currency."""

PICO = 1000
"""Pico-units in a nano-unit."""

HOUR_US = 3_600_000_000

CUSHION = 100
"""One part in CUSHION of a budget is reserved for nobody. It pays for predictions that cost more than their ceiling."""

NEARLY = 80
"""Percent of a budget from which it is nearly spent."""

LONGEST = 400
"""The most days of one query."""


@dataclass(frozen=True, slots=True)
class Price:
    """The price of computing: one CPU core and one GPU for an hour, in nano-units of the currency."""

    cpu_hour: int
    gpu_hour: int
    currency: str

    def of(self, cpu_us: int, gpu_us: int = 0) -> int:
        """Return the price in nano-units times HOUR_US, so that nothing is rounded away."""
        return cpu_us * self.cpu_hour + gpu_us * self.gpu_hour

    def picos(self, cpu_us: int, gpu_us: int = 0) -> int:
        """Return the price in pico-units, rounded up."""
        return -(-self.of(cpu_us, gpu_us) * PICO // HOUR_US)


def price(cpu_hour: float, gpu_hour: float, currency: str) -> Price:
    """Return the price from the settings, which are in units of the currency."""
    return Price(round(cpu_hour * NANO), round(gpu_hour * NANO), currency)


def money(nanos: int) -> Decimal:
    """Return nano-units as an exact amount in units of the currency."""
    return Decimal(nanos).scaleb(-9)


def digits(nanos: int) -> str:
    """Return nano-units as text in units of the currency, with nine digits after the point."""
    return f"{money(nanos):.9f}"


@dataclass(frozen=True, slots=True)
class Spend:
    """The cost of an automation's decisions by one model version on one UTC day. Money in nano-units.

    Version 0 stands for decisions without a model. `idle` is this row's share of computing time that no decision used.
    """

    day: date
    automation: str
    version: int
    currency: str
    decisions: int
    cpu_us: int
    gpu_us: int
    cost: int
    idle: int = 0


@dataclass(frozen=True, slots=True)
class Total:
    """The sum of several rows, in one currency, in nano-units."""

    currency: str
    decisions: int
    cpu_us: int
    gpu_us: int
    cost: int
    idle: int


def with_idle(
    rows: Iterable[Spend], idle: Mapping[tuple[date, str], int], decided: Mapping[tuple[date, str], int]
) -> list[Spend]:
    """Return the rows with their shares of each day's idle cost, by their decisions among all `decided` that day."""
    shared = []
    for row in rows:
        key = (row.day, row.currency)
        among = decided.get(key, 0)
        shared.append(replace(row, idle=idle.get(key, 0) * row.decisions // among if among else 0))
    return shared


def totals(rows: Iterable[Spend]) -> list[Total]:
    """Return the sum of the rows in each currency."""
    found: dict[str, Total] = {}
    for row in rows:
        so_far = found.get(row.currency, Total(row.currency, 0, 0, 0, 0, 0))
        found[row.currency] = Total(
            currency=row.currency,
            decisions=so_far.decisions + row.decisions,
            cpu_us=so_far.cpu_us + row.cpu_us,
            gpu_us=so_far.gpu_us + row.gpu_us,
            cost=so_far.cost + row.cost,
            idle=so_far.idle + row.idle,
        )
    return [found[currency] for currency in sorted(found)]


def in_units(of: Spend | Total) -> dict[str, Any]:
    """Return the sums of a row in seconds and in units of the currency, for documents: amounts are text."""
    return {
        "currency": of.currency,
        "decisions": of.decisions,
        "cpu_seconds": of.cpu_us / 1e6,
        "gpu_seconds": of.gpu_us / 1e6,
        "cost": digits(of.cost),
        "idle_cost": digits(of.idle),
    }


def span(since: date | None, until: date | None, today: date) -> tuple[date, date]:
    """Return the first and the last day of a query; the last thirty days by default. Raises SpanInvalid."""
    last = until or today
    first = since or last - timedelta(days=min(29, last.toordinal() - 1))
    if first > last:
        raise SpanInvalid(f"The first day, {first}, is after the last, {last}")
    if (last - first).days >= LONGEST:
        raise SpanInvalid(f"At most {LONGEST} days can be requested at a time")
    return first, last


@dataclass(frozen=True, slots=True)
class Period:
    """One day or one month of a budget, UTC: from the start of `starts_on` to the start of `ends_on`."""

    automation: str
    per: Literal["day", "month"]
    starts_on: date
    currency: str

    @property
    def ends_on(self) -> date:
        """The first day after the period."""
        if self.per == "day":
            return self.starts_on + timedelta(days=1)
        return (self.starts_on.replace(day=1) + timedelta(days=32)).replace(day=1)


def period_of(automation: str, budget: Budget, currency: str, now: datetime) -> Period:
    """Return the period in which `now` (UTC) lies."""
    today = now.date()
    return Period(automation, budget.per, today if budget.per == "day" else today.replace(day=1), currency)


def amount_of(budget: Budget) -> int:
    """Return a budget's amount in nano-units."""
    return round(Decimal(str(budget.amount)) * NANO)


@dataclass(frozen=True, slots=True)
class Book:
    """The account of a period's budget, in nano-units. `purses` is the number of purses that share `reserved`."""

    amount: int
    spent: int = 0
    reserved: int = 0
    purses: int = 0

    @property
    def spendable(self) -> int:
        """The amount without the cushion."""
        return self.amount - -(-self.amount // CUSHION)

    @property
    def room(self) -> int:
        """The amount that may still be reserved; 0 if the budget was lowered below what is spent and reserved."""
        return max(0, self.spendable - self.spent - self.reserved)

    @property
    def is_nearly_spent(self) -> bool:
        """Whether so much is spent that a person should know."""
        return self.spent * 100 >= self.amount * NEARLY


@dataclass(frozen=True, slots=True)
class Hold:
    """One purse's part of a book, in nano-units: the total granted, and how much of it the purse reported as used."""

    granted: int = 0
    used: int = 0


@dataclass(frozen=True, slots=True)
class PurseClaim:
    """A purse's claim at renewal: total used, bound by work under way, wanted beyond that, and the price ceiling."""

    used: int
    bound: int
    want: int
    each: int


def settle(book: Book, hold: Hold, used: int) -> tuple[Book, Hold]:
    """Count the used amount as spent. Use beyond the grant counts as well, and comes from the cushion."""
    granted = max(hold.granted, used)
    freed = (hold.granted - hold.used) - (granted - used)
    return replace(book, spent=book.spent + used - hold.used, reserved=book.reserved - freed), Hold(granted, used)


def resize(book: Book, hold: Hold, granted: int) -> tuple[Book, Hold]:
    """Change a purse's grant, to at least what it used and at most what the book has room for."""
    more = granted - hold.granted
    assert granted >= hold.used, "a grant is at least what the purse used"  # noqa: S101
    assert more <= book.room, "a grant is at most what there is"  # noqa: S101
    return replace(book, reserved=book.reserved + more), Hold(granted, hold.used)


def forfeit(book: Book, hold: Hold) -> Book:
    """Count all that a purse holds as spent, because nobody will report its use any more."""
    rest = hold.granted - hold.used
    return replace(book, spent=book.spent + rest, reserved=book.reserved - rest)


def grant(book: Book, hold: Hold, claim: PurseClaim) -> int:
    """Return the whole amount a purse should hold after settling: work under way, and a fair part of the free amount.

    A fair part for n purses is 1 / (n + 1) of the free amount. So blocks shrink as the budget runs out, and an idle
    purse gives back what the others need. When a fair part no longer pays for a prediction, the rest goes to the first
    claim.
    """
    kept = min(hold.granted, claim.used + claim.bound)
    free = hold.granted - kept + book.room
    short = max(0, claim.used + claim.bound - hold.granted)
    give = min(claim.want, (free - short) // (max(book.purses, 1) + 1))
    if give < claim.each <= free - short:
        give = min(claim.want, claim.each)
    return kept + min(free, short + max(0, give))


class BudgetStanding(StrEnum):
    """The standing of a budget."""

    OPEN = "open"
    NEARLY_SPENT = "nearly spent"
    SPENT = "spent"


@dataclass(frozen=True, slots=True)
class BudgetState:
    """A budget in the present period. Money in nano-units; `reserved` is what processes hold to pay from."""

    period: Period
    amount: int
    spent: int
    reserved: int
    standing: BudgetStanding
    nearly_at: datetime | None
    used_up_at: datetime | None

    @property
    def used_ratio(self) -> float:
        """The spent share of the amount; 1 if the amount is 0."""
        return self.spent / self.amount if self.amount else 1.0
