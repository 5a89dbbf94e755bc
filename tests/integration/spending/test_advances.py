"""Advances for requests that others charge for: reserved before they are sent, settled or forfeited afterwards."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from andon import spending
from andon.authoring import Budget
from andon.kernel.db import Database
from andon.kernel.events import Events
from andon.spending import Advance, Advances, BudgetExhausted, BudgetStanding, BudgetState, BudgetUsedUp, Purse

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
UNTIL = NOW + timedelta(minutes=10)
CENT = 10_000_000


def of(amount: float | None, events: Events | None = None) -> Advances:
    return Advances({} if amount is None else {"payments": Budget(amount)}, "EUR", events or Events())


def take(database: Database, advances: Advances, most: int) -> Advance:
    with database.begin() as tx:
        return advances.take(tx, "payments", most, until=UNTIL, now=NOW)


def settle(database: Database, advances: Advances, advance: Advance, cost: int, now: datetime = NOW) -> None:
    with database.begin() as tx:
        advances.settle(tx, advance, cost, now)


def state(database: Database) -> BudgetState:
    with database.begin() as tx:
        found = spending.budget_state(tx, "payments", NOW)
    assert found is not None
    return found


def cost_of(database: Database) -> int:
    with database.begin() as tx:
        return sum(row.cost for row in spending.of(tx, "payments", NOW.date(), NOW.date()))


def forfeit(database: Database, now: datetime) -> None:
    Purse(
        database, {"payments": Budget(1.0)}, spending.price(0, 0, "EUR"), events=Events(), lease=timedelta(days=1)
    ).forfeit_overdue(now)


def test_the_most_is_reserved_and_the_rest_returned(database: Database) -> None:
    advances = of(1.0)
    advance = take(database, advances, 30 * CENT)
    assert (state(database).spent, state(database).reserved) == (0, 30 * CENT)
    settle(database, advances, advance, 12 * CENT)
    assert (state(database).spent, state(database).reserved) == (12 * CENT, 0)
    assert cost_of(database) == 12 * CENT


def test_what_cannot_be_paid_is_not_reserved(database: Database) -> None:
    advances = of(1.0)
    take(database, advances, 60 * CENT)
    with pytest.raises(BudgetExhausted, match=r"payments has 0\.390000000 EUR left in this day; .* 0\.400000000"):
        take(database, advances, 40 * CENT)
    assert state(database).reserved == 60 * CENT


def test_of_requests_at_the_same_time_the_last_money_pays_for_one(database: Database) -> None:
    advances = of(1.0)

    def attempt(_: int) -> bool:
        try:
            take(database, advances, 20 * CENT)
        except BudgetExhausted:
            return False
        return True

    with ThreadPoolExecutor(4) as threads:
        allowed = list(threads.map(attempt, range(12)))
    assert sum(allowed) == 4
    assert state(database).reserved == 80 * CENT


def test_an_advance_whose_process_was_killed_counts_as_spent_when_it_is_overdue(database: Database) -> None:
    advances = of(1.0)
    advance = take(database, advances, 30 * CENT)
    forfeit(database, UNTIL - timedelta(seconds=1))
    assert (state(database).spent, state(database).reserved) == (0, 30 * CENT)
    forfeit(database, UNTIL + timedelta(seconds=1))
    assert (state(database).spent, state(database).reserved) == (30 * CENT, 0)
    settle(database, advances, advance, 12 * CENT, UNTIL + timedelta(minutes=1))
    assert (state(database).spent, cost_of(database)) == (30 * CENT, 12 * CENT), "it lived after all, and was paid for"


def test_a_request_that_cost_more_than_its_most_is_counted_whole(database: Database) -> None:
    advances = of(1.0)
    settle(database, advances, take(database, advances, 10 * CENT), 11 * CENT)
    assert (state(database).spent, state(database).reserved) == (11 * CENT, 0)


def test_a_spent_budget_is_told_once(database: Database) -> None:
    events, heard = Events(), list[BudgetUsedUp]()
    events.subscribe(BudgetUsedUp, lambda _, event: heard.append(event))
    advances = of(1.0, events)
    for _ in range(3):
        settle(database, advances, take(database, advances, 33 * CENT), 33 * CENT)
    assert (state(database).standing, len(heard)) == (BudgetStanding.SPENT, 1)
    with pytest.raises(BudgetExhausted):
        take(database, advances, 1)


def test_without_a_budget_a_request_is_only_counted(database: Database) -> None:
    advances = of(None)
    settle(database, advances, take(database, advances, 10**15), 12 * CENT)
    assert cost_of(database) == 12 * CENT
    with database.begin() as tx:
        assert spending.budget_state(tx, "payments", NOW) is None


def test_a_purse_and_an_advance_share_one_budget(database: Database) -> None:
    advances = of(1.0)
    purse = Purse(
        database, {"payments": Budget(1.0)}, spending.price(3.6, 0, "EUR"), events=Events(), lease=timedelta(days=1)
    )
    purse.renew(NOW)
    held = state(database).reserved
    assert held > 0
    take(database, advances, 20 * CENT)
    purse.renew(NOW)
    assert state(database).reserved >= 20 * CENT
    with pytest.raises(BudgetExhausted):
        take(database, advances, 99 * CENT)
