"""Money adds up exactly, idle cost is shared, and a budget's book promises nothing twice."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from andon.authoring import Budget
from andon.spending import BudgetStanding, BudgetState, SpanInvalid, Spend, money, price, span, totals
from andon.spending.domain import (
    HOUR_US,
    PICO,
    Book,
    Hold,
    PurseClaim,
    amount_of,
    forfeit,
    grant,
    period_of,
    resize,
    settle,
    with_idle,
)
from andon.spending.tally import SpendTally
from andon.spending.wallet import Wallet
from trials import at_most

DAY = date(2026, 11, 25)


def test_an_hour_costs_what_the_settings_say() -> None:
    costs = price(0.04, 2.5, "EUR")
    assert money(costs.of(HOUR_US, HOUR_US) // HOUR_US) == Decimal("2.54")
    assert costs.picos(HOUR_US) == 40_000_000 * PICO
    assert costs.picos(1) == 12  # 11.1 pico-euro, rounded up


def test_a_period_is_a_day_or_a_month_in_utc() -> None:
    late = datetime(2026, 12, 31, 23, 59, tzinfo=UTC)
    day, month = (period_of("a", Budget(1, per=per), "EUR", late) for per in ("day", "month"))
    assert (day.starts_on, day.ends_on) == (date(2026, 12, 31), date(2027, 1, 1))
    assert (month.starts_on, month.ends_on) == (date(2026, 12, 1), date(2027, 1, 1))


def test_a_budget_is_exact_and_can_be_counted() -> None:
    assert [amount_of(Budget(amount)) for amount in (0.1, 1e-9, 9e9)] == [100_000_000, 1, 9 * 10**18]


def test_of_a_stored_budget_of_nothing_all_is_spent() -> None:
    period = period_of("a", Budget(1), "EUR", datetime(2026, 11, 25, tzinfo=UTC))
    assert BudgetState(period, 0, 0, 0, BudgetStanding.OPEN, None, None).used_ratio == 1.0


def test_days_that_cannot_be_asked_for_are_refused() -> None:
    assert span(None, None, DAY) == (date(2026, 10, 27), DAY)
    assert span(None, date(1, 1, 1), DAY) == (date(1, 1, 1), date(1, 1, 1))
    for since, until in ((DAY, date(2026, 11, 24)), (date(2025, 1, 1), DAY)):
        with pytest.raises(SpanInvalid):
            span(since, until, DAY)


def a_spend(automation: str, decisions: int, cost: int = 0) -> Spend:
    return Spend(DAY, automation, 1, "EUR", decisions, 0, 0, cost)


def test_idle_cost_is_shared_by_decisions() -> None:
    key = (DAY, "EUR")
    shared = with_idle([a_spend("a", 30), a_spend("shadow", 0)], {key: 100}, {key: 40})
    assert [row.idle for row in shared] == [75, 0]
    assert [total.idle for total in totals(shared)] == [75]


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=50))
def test_a_tally_loses_nothing_below_a_nano_unit(batches: list[int]) -> None:
    tally, costs = SpendTally(price(0.04, 0, "EUR")), 0
    for cpu_us in batches:
        tally.add("a", 1, 1, cpu_us)
        taken = tally.take(DAY)
        assert taken is not None
        costs += taken.rows[0].cost
    assert costs == tally.price.of(sum(batches)) // HOUR_US
    assert tally.take(DAY) is None


nanos = st.integers(0, 10_000)


@given(
    book=st.builds(Book, amount=st.integers(1, 20_000), purses=st.integers(0, 5)),
    reserved=nanos,
    granted=nanos,
    used=nanos,
    claim=st.builds(PurseClaim, used=nanos, bound=nanos, want=nanos, each=st.integers(1, 500)),
)
def test_no_renewal_promises_more_than_there_is(
    book: Book, reserved: int, granted: int, used: int, claim: PurseClaim
) -> None:
    """For any claim, the rest of the book and this purse together stay within the spendable amount, or shrink."""
    assume(used <= granted and used <= claim.used)
    book = replace(book, spent=used, reserved=reserved + granted - used)
    after, hold = settle(book, Hold(granted, used), claim.used)
    after, hold = resize(after, hold, grant(after, hold, claim))
    gone, gone_before = after.spent + after.reserved, book.spent + book.reserved
    overrun = max(0, claim.used - granted)
    assert gone <= max(book.spendable, gone_before) + overrun
    assert after.reserved == reserved + hold.granted - hold.used
    assert hold.granted >= hold.used == claim.used


def test_blocks_shrink_towards_the_end_and_the_last_prediction_is_still_paid() -> None:
    book, blocks = Book(amount=10_000, purses=2), []
    hold = Hold()
    while True:
        block = grant(book, hold, PurseClaim(hold.used, 0, want=4_000, each=10)) - hold.used
        if block < 10:
            break
        blocks.append(block)
        book, hold = resize(book, hold, hold.used + block)
        book, hold = settle(book, hold, hold.granted)
    assert blocks == sorted(blocks, reverse=True)
    assert blocks[0] == 3_300
    assert book.spendable - book.spent < 10


def test_an_idle_purse_gives_back_what_others_need() -> None:
    book, idle = resize(Book(amount=10_000, purses=2), Hold(), 5_000)
    kept = grant(book, idle, PurseClaim(used=0, bound=0, want=9_000, each=10))
    assert kept == (4_900 + 5_000) // 3


class Purses(RuleBasedStateMachine):
    """Several processes and one database: lost commit answers, kills, leases that expire under a living process.

    The property is about payments: the sum of the true costs of all predictions.
    """

    EACH = 7_000

    @initialize(amount=st.integers(50, 5_000), purses=st.integers(1, 4))
    def begin(self, amount: int, purses: int) -> None:
        self.book = Book(amount)
        self.rows: dict[int, Hold] = {}
        self.known: set[int] = set()
        self.wallets = {number: Wallet() for number in range(purses)}
        self.old: list[Wallet] = []
        self.next = purses
        self.paid = 0

    def pick(self, data: int) -> int:
        return sorted(self.wallets)[data % len(self.wallets)]

    @rule(who=st.integers(0, 3), n=st.integers(1, 64))
    def allow(self, who: int, n: int) -> None:
        self.wallets[self.pick(who)].allow(n, self.EACH)

    @rule(who=st.integers(0, 9), n=st.integers(1, 64), part=st.floats(0, 1))
    def settle(self, who: int, n: int, part: float) -> None:
        every = [*self.wallets.values(), *self.old]
        wallet = every[who % len(every)]
        ended = min(n, wallet.outstanding)
        cost = int(ended * self.EACH * part)
        wallet.settle(ended, cost)
        self.paid += cost

    @rule(
        who=st.integers(0, 3), want=st.integers(0, 3_000_000), answer=st.sampled_from(["committed", "lost", "undone"])
    )
    def renew(self, who: int, want: int, answer: str) -> None:
        number = self.begun_anew(self.pick(who))
        wallet, hold = self.wallets[number], self.rows.get(number, Hold())
        self.known |= {number} & set(self.rows)
        book = replace(self.book, purses=len({*self.rows, number}))
        wallet.adopt(hold.granted)
        claim = wallet.claim(self.EACH, want)
        book, hold = settle(book, hold, claim.used)
        granted = grant(book, hold, claim)
        if granted < hold.granted:
            wallet.allow(1, self.EACH)  # it goes on paying between the claim and the agreement
            granted = min(hold.granted, wallet.lower(granted))
        book, hold = resize(book, hold, granted)
        if answer != "undone":
            self.book, self.rows[number] = book, hold
        if answer == "committed":
            wallet.adopt(hold.granted)
            self.known.add(number)

    @precondition(lambda self: len(self.wallets) > 1)
    @rule(who=st.integers(0, 3))
    def kill(self, who: int) -> None:
        """Kill a process: its row stays until the lease ends; work under way costs all it may."""
        wallet = self.wallets.pop(self.pick(who))
        self.paid += wallet.bound

    @rule()
    def run_out(self) -> None:
        """Let every lease expire: those of the dead, and those of the living, who then notice."""
        for hold in self.rows.values():
            self.book = forfeit(self.book, hold)
        self.rows = {}

    def begun_anew(self, number: int) -> int:
        """Whoever finds its row gone begins a new wallet; what is under way in the old one is paid already."""
        if number in self.rows or number not in self.known:
            return number
        self.old.append(self.wallets.pop(number))
        self.wallets[self.next] = Wallet()
        self.next += 1
        return self.next - 1

    @invariant()
    def the_database_promises_nothing_twice(self) -> None:
        assert self.book.spent + self.book.reserved <= self.book.spendable
        assert self.book.reserved == sum(hold.granted - hold.used for hold in self.rows.values())

    @invariant()
    def memory_errs_to_the_safe_side(self) -> None:
        for number, wallet in self.wallets.items():
            assert wallet.used + wallet.bound <= wallet.granted
            assert number not in self.rows or wallet.granted <= self.rows[number].granted * PICO

    @invariant()
    def nobody_paid_more_than_there_is(self) -> None:
        under_way = sum(wallet.bound for wallet in (*self.wallets.values(), *self.old))
        assert self.paid + under_way <= self.book.spendable * PICO


TestPurses = Purses.TestCase
TestPurses.settings = settings(max_examples=at_most(100), stateful_step_count=60, deadline=None)
