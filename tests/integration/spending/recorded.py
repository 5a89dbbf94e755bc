"""Spending of two days and a budget that is nearly spent, written as the product writes it."""

from datetime import timedelta
from uuid import uuid4

from andon import spending
from andon.authoring import Budget
from andon.kernel.clock import SystemClock
from andon.kernel.db import Database
from andon.kernel.events import Events
from andon.spending import Purse, SpendTally, service

PRICE = spending.price(cpu_hour=3.6, gpu_hour=36.0, currency="EUR")
"""A CPU second costs a milli-euro."""

SECOND = 1_000_000
NOW = SystemClock().now()
TODAY, YESTERDAY = NOW.date(), NOW.date() - timedelta(days=1)


def record(database: Database) -> None:
    """Record spending: yesterday version 1, today versions 1 and 2, another automation, idle time.

    0.85 of 1 EUR of the budget are spent.
    """
    for at, batches in (
        (NOW - timedelta(days=1), [("payments", 1, 10, 2 * SECOND)]),
        (NOW, [("payments", 1, 30, 3 * SECOND), ("payments", 2, 10, SECOND), ("lending", 1, 40, SECOND)]),
    ):
        tally = SpendTally(PRICE)
        for automation, version, decisions, cpu_us in batches:
            tally.add(automation, version, decisions, cpu_us)
        tally.spend_idle(8 * SECOND)
        taken = tally.take(at.date())
        assert taken is not None
        with database.begin() as tx:
            assert service.add(tx, uuid4(), taken, "EUR", at)
    spend_budget(database, seconds=850)


def spend_budget(database: Database, *, seconds: int) -> None:
    """Pay for so many predictions of a second each from a budget of 1 EUR a day, and give back the rest."""
    purse = Purse(database, {"payments": Budget(1.0)}, PRICE, events=Events())
    for _ in range(seconds):
        while not purse.allow("payments", 1):
            purse.renew(NOW)
        purse.settle("payments", 1, 1, SECOND)
    purse.close(NOW)
