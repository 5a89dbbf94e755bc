"""A purse on a real database: blocks, leases, the turn of a day, commits whose answer is lost."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from sqlalchemy import text

from andon import spending
from andon.authoring import Budget
from andon.kernel.db import Database, DatabaseUnavailable, Tx
from andon.kernel.events import DomainEvent, Events
from andon.kernel.identity import Actor
from andon.spending import BudgetChanged, BudgetNearlySpent, BudgetStanding, BudgetState, BudgetUsedUp, Purse, digits
from andon.spending.purse import LEASE

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
PRICE = spending.price(cpu_hour=3.6, gpu_hour=36.0, currency="EUR")
"""A CPU second costs a milli-euro."""

SECOND = 1_000_000


def a_purse(database: Database, amount: float = 1.0, *, events: Events | None = None, per: str = "day") -> Purse:
    budget = Budget(amount, per="month" if per == "month" else "day")
    return Purse(database, {"payments": budget}, PRICE, events=events or Events())


def state(database: Database, now: datetime = NOW) -> BudgetState:
    with database.begin() as tx:
        found = spending.budget_state(tx, "payments", now)
    assert found is not None
    return found


def spend(purse: Purse, seconds: int, now: datetime = NOW, *, version: int = 1) -> int:
    """Pay for predictions of one CPU second each until as many are paid or nothing is; gives how many were paid."""
    purse.renew(now)
    paid = in_vain = 0
    while paid < seconds and in_vain < 40:
        if purse.allow("payments", 1):
            purse.settle("payments", version, 1, SECOND)
            paid, in_vain = paid + 1, 0
        else:
            purse.renew(now)
            in_vain += 1
    purse.renew(now)
    return paid


def test_without_a_budget_everything_is_allowed(database: Database) -> None:
    purse = a_purse(database)
    assert purse.allow("lending", 1_000) == 1_000
    purse.settle("lending", 1, 1_000, SECOND)


def test_before_anything_is_reserved_nothing_is_allowed(database: Database) -> None:
    purse = a_purse(database)
    assert purse.allow("payments", 1) == 0
    purse.renew(NOW)
    assert purse.allow("payments", 1) == 1


def test_a_budget_can_be_spent_to_its_cushion_and_no_further(database: Database) -> None:
    purse = a_purse(database, amount=1.0)
    assert spend(purse, 2_000) == 990 - 1  # the ceiling of a second is two; the last has no ceiling to pay
    stands = state(database)
    assert (stands.spent, stands.standing) == (989_000_000, BudgetStanding.SPENT)
    assert purse.allow("payments", 1) == 0
    purse.close(NOW)
    assert state(database).reserved == 0


def test_what_was_not_allowed_is_not_charged(database: Database) -> None:
    purse = a_purse(database, amount=0.1)
    spend(purse, 200)
    before = state(database).spent
    purse.settle("payments", 1, purse.allow("payments", 64), 64 * SECOND)
    purse.renew(NOW)
    assert (state(database).spent, state(database).standing) == (before, BudgetStanding.SPENT)


def test_gpu_time_is_paid_too(database: Database) -> None:
    purse = a_purse(database)
    purse.renew(NOW)
    assert purse.allow("payments", 2) == 2
    purse.settle("payments", 1, 2, SECOND, gpu_us=SECOND)
    purse.renew(NOW)
    assert state(database).spent == 1_000_000 + 10_000_000


def test_it_is_said_once_a_period_that_a_budget_is_nearly_spent(database: Database) -> None:
    events, heard = Events(), list[BudgetNearlySpent]()
    events.subscribe(BudgetNearlySpent, lambda _, event: heard.append(event))
    first, second = (a_purse(database, events=events) for _ in range(2))
    assert spend(first, 790) == 790
    assert (heard, state(database).standing) == ([], BudgetStanding.OPEN)
    assert spend(second, 30) + spend(first, 30) == 60
    [event] = heard
    assert (event.automation, event.amount, event.spent >= "0.8") == ("payments", "1.000000000", True)
    assert state(database).standing is BudgetStanding.NEARLY_SPENT


def test_what_a_listener_refuses_is_undone_with_the_renewal(database: Database) -> None:
    def refuse(tx: Tx, event: BudgetNearlySpent) -> None:
        raise RuntimeError("the listener is broken")

    events = Events()
    events.subscribe(BudgetNearlySpent, refuse)
    purse = a_purse(database, events=events)
    with pytest.raises(RuntimeError):
        spend(purse, 900)
    assert state(database).nearly_at is None
    assert state(database).spent < 800_000_000


def test_a_killed_purse_is_settled_as_spent_when_its_lease_has_run_out(database: Database) -> None:
    killed, living = a_purse(database), a_purse(database)
    killed.renew(NOW)
    held = state(database).reserved
    assert held > 0
    living.renew(NOW + LEASE)
    assert state(database).spent == 0
    living.renew(NOW + LEASE + timedelta(seconds=1))
    assert state(database).spent == held


def test_a_purse_that_lives_after_all_uses_its_block_up_and_begins_anew(database: Database) -> None:
    late, living = a_purse(database), a_purse(database)
    late.renew(NOW)
    assert late.allow("payments", 5) == 5
    living.renew(NOW)
    living.renew(NOW + LEASE * 2)
    lost = state(database).spent
    late.settle("payments", 1, 2, 2 * SECOND)
    late.renew(NOW + LEASE * 2)
    late.settle("payments", 1, 3, 3 * SECOND)
    late.renew(NOW + LEASE * 2)
    assert state(database).spent == lost  # they were paid with the block
    assert late.allow("payments", 1) == 1
    late.settle("payments", 1, 1, SECOND)
    late.renew(NOW + LEASE * 2)
    assert state(database).spent == lost + 1_000_000


def test_a_new_day_has_a_new_budget_and_the_old_day_pays_what_it_allowed(database: Database) -> None:
    tomorrow = NOW + timedelta(days=1)
    purse = a_purse(database)
    purse.renew(NOW)
    assert purse.allow("payments", 3) == 3
    purse.renew(tomorrow)
    purse.settle("payments", 1, 3, 3 * SECOND)
    purse.renew(tomorrow)
    assert (state(database).spent, state(database).reserved) == (3_000_000, 0)
    assert (state(database, tomorrow).spent, state(database, tomorrow).standing) == (0, BudgetStanding.OPEN)


def test_a_month_s_budget_lasts_through_its_days(database: Database) -> None:
    purse = a_purse(database, per="month")
    assert spend(purse, 10) + spend(purse, 10, NOW + timedelta(days=3)) == 20
    assert state(database, NOW + timedelta(days=5)).spent == 20_000_000
    assert spend(purse, 10, NOW + timedelta(days=7)) == 10
    assert state(database, NOW + timedelta(days=7)).spent == 10_000_000


def test_a_budget_that_was_lowered_below_what_is_spent_pays_nothing(database: Database) -> None:
    spend(a_purse(database, amount=1.0), 500)
    lowered = a_purse(database, amount=0.4)
    assert spend(lowered, 1) == 0
    assert state(database).standing is BudgetStanding.SPENT
    assert spend(a_purse(database, amount=2.0), 10) == 10


def test_a_budget_that_was_raised_is_open_again_and_told_anew_when_it_is_nearly_spent(database: Database) -> None:
    events, heard = Events(), list[BudgetNearlySpent]()
    events.subscribe(BudgetNearlySpent, lambda _, event: heard.append(event))
    assert spend(a_purse(database, amount=1.0, events=events), 2000) < 1000
    assert (state(database).standing, len(heard)) == (BudgetStanding.SPENT, 1)
    a_purse(database, amount=1.1, events=events).renew(NOW)
    assert state(database).standing is BudgetStanding.NEARLY_SPENT
    raised = a_purse(database, amount=2.0, events=events)
    raised.renew(NOW)
    assert (state(database).standing, state(database).nearly_at, state(database).used_up_at) == (
        BudgetStanding.OPEN,
        None,
        None,
    )
    assert spend(raised, 700) == 700
    assert (state(database).standing, len(heard)) == (BudgetStanding.NEARLY_SPENT, 2)


def test_a_budget_that_is_new_changed_or_spent_is_published_once(database: Database) -> None:
    events, published = Events(), list[DomainEvent]()
    events.subscribe(DomainEvent, lambda _, event: published.append(event))
    a_purse(database, amount=1.0, events=events).renew(NOW)
    a_purse(database, amount=1.0, events=events).renew(NOW)
    assert published == [BudgetChanged("payments", "day", "EUR", "1.000000000", None, None, None, at=NOW)]
    a_purse(database, amount=1.0, events=events).renew(NOW + timedelta(days=1))
    assert len(published) == 1, "another day, the same budget"
    purse = a_purse(database, amount=0.1, events=events, per="month")
    spend(purse, 200)
    spend(purse, 1)
    changed, nearly, spent = published[1:]
    before = ("day", "EUR", "1.000000000")
    assert changed == BudgetChanged("payments", "month", "EUR", "0.100000000", *before, at=NOW)
    assert isinstance(nearly, BudgetNearlySpent)
    assert isinstance(spent, BudgetUsedUp)
    assert (spent.subject, spent.starts_on, spent.amount) == (
        "automation:payments",
        NOW.date().replace(day=1),
        "0.100000000",
    )


class Flaky(Database):
    """A database that fails, now before a commit, now after it, so that nobody knows what became of it."""

    def __init__(self, url: str, draw: Random) -> None:
        super().__init__(url)
        self._draw = draw

    @contextmanager
    def begin(self) -> Iterator[Tx]:
        fate = self._draw.choice(["well", "well", "undone", "unanswered"])
        with super().begin() as tx:
            yield tx
            if fate == "undone":
                raise DatabaseUnavailable
        if fate == "unanswered":
            raise DatabaseUnavailable


@pytest.mark.parametrize("seed", range(6))
def test_through_lost_answers_kills_and_lost_leases_the_truth_is_never_more_than_what_is_spent_and_reserved(
    database: Database, seed: int
) -> None:
    draw, now, truth = Random(seed), NOW, 0
    flaky = Flaky(database.url, draw)
    purses = [a_purse(flaky, amount=0.3) for _ in range(3)]
    under_way: dict[int, int] = dict.fromkeys(range(3), 0)
    for _ in range(250):
        number = draw.randrange(3)
        purse, step = purses[number], draw.random()
        if step < 0.4:
            under_way[number] += purse.allow("payments", draw.randint(1, 3))
        elif step < 0.7 and under_way[number]:
            ended = draw.randint(1, under_way[number])
            cost = draw.randint(0, ended) * SECOND // 25  # within the ceiling of what nobody knows yet
            purse.settle("payments", draw.randint(1, 10**6), ended, cost)
            under_way[number] -= ended
            truth += PRICE.of(cost)
        elif step < 0.97:
            now += timedelta(seconds=draw.choice([0, 0, 0, 1, 20]))
            with suppress(DatabaseUnavailable):
                purse.renew(now, only_low=draw.random() < 0.3)
        else:
            purses[number], under_way[number] = a_purse(flaky, amount=0.3), 0
        with database.begin() as tx:
            row = tx.execute(text("SELECT amount, spent, reserved FROM budgets")).one_or_none()
        if row is not None:
            assert truth // 3_600_000_000 <= row.spent + row.reserved <= row.amount * 99 // 100
    flaky.close()
    assert truth > 0


def set_budget(database: Database, budget: Budget | None, automation: str = "payments") -> None:
    with database.begin() as tx:
        spending.set_budget(tx, automation, budget, actor=Actor("ada"), reason="test", now=NOW)


def test_a_budget_that_a_person_sets_counts_from_the_next_renewal_until_it_is_cleared(database: Database) -> None:
    purse = a_purse(database, 0.1)
    assert spend(purse, 200) in (98, 99)
    set_budget(database, Budget(0.15))
    assert spend(purse, 200) in (49, 50)
    assert digits(state(database).amount) == "0.150000000"
    set_budget(database, None)
    assert (spend(purse, 5), digits(state(database).amount)) == (0, "0.100000000")
    set_budget(database, Budget(1.0, per="month"))
    assert spend(purse, 20, NOW + timedelta(seconds=1)) == 20
    assert state(database).period.per == "month"


def test_an_automation_gets_a_budget_while_it_predicts_and_loses_it_again(database: Database) -> None:
    purse = Purse(database, {}, PRICE, events=Events())
    purse.renew(NOW)
    assert purse.allow("payments", 7) == 7
    set_budget(database, Budget(0.1))
    purse.renew(NOW)
    purse.settle("payments", 1, 7, 7 * SECOND)
    assert spend(purse, 200) == 98, "what began without a budget was charged to it"
    set_budget(database, None)
    purse.renew(NOW)
    assert purse.allow("payments", 1_000) == 1_000
    assert purse.renew(NOW) == []
    set_budget(database, Budget(0.2))
    purse.renew(NOW)
    purse.settle("payments", 1, 1_000, 1_000 * SECOND)
    assert spend(purse, 200) in (98, 99)
    assert state(database).reserved + state(database).spent <= state(database).amount
