"""The keeper of a process: it writes what is added up once, and renews purses that run low without being asked."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Event

from sqlalchemy import text

from andon import spending
from andon.authoring import Automation, Budget
from andon.bootstrap.spending import Paying, keep_spending
from andon.kernel.clock import SystemClock
from andon.kernel.config import CostSettings, Settings
from andon.kernel.db import Database, DatabaseUnavailable, Tx
from andon.kernel.events import Events
from andon.kernel.identity import Actor
from andon.kernel.metrics import Metrics
from andon.spending import Keeper, Spend
from andon.spending.metrics import SpendingMetrics
from automations import an_automation

HOUR_EUR = CostSettings(cpu_hour=3.6, gpu_hour=10.8)
SECOND = 1_000_000


class Unanswered(Database):
    """A database whose next commits are made but not answered."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.silent = 0
        self.was_silent = Event()

    @contextmanager
    def begin(self) -> Iterator[Tx]:
        with super().begin() as tx:
            yield tx
        if self.silent:
            self.silent -= 1
            self.was_silent.set()
            raise DatabaseUnavailable


def with_budget(amount: float) -> Automation:
    automation = an_automation()
    automation.budget = Budget(amount)
    return automation


def keeper(database: Database, metrics: Metrics, cpu_seconds: Callable[[], float] = lambda: 0.0) -> Keeper:
    return keep_spending(
        Settings(cost=HOUR_EUR),
        database,
        [with_budget(1.0)],
        clock=SystemClock(),
        events=Events(),
        watcher=SpendingMetrics(metrics),
        cpu_seconds=cpu_seconds,
    )


def spent(database: Database) -> list[Spend]:
    today = datetime.now(UTC).date()
    with database.begin() as tx:
        return spending.of(tx, "payments", today, today)


def test_what_a_process_added_up_is_written_at_its_end_with_its_idle_time_and_counted(database: Database) -> None:
    metrics, used = Metrics(), [10.0]

    async def run() -> None:
        async with keeper(database, metrics, lambda: used[0]) as kept:
            assert kept.purse.allow("payments", 4) == 4
            kept.tally.add("payments", 1, 4, 2 * SECOND)
            kept.purse.settle("payments", 1, 4, 2 * SECOND)
            used[0] += 5.0

    asyncio.run(run())
    [row] = spent(database)
    assert (row.decisions, row.cpu_us, row.cost, row.idle) == (4, 2 * SECOND, 2_000_000, 3_000_000)
    told = metrics.text().decode()
    assert 'andon_cost_total{automation="payments",currency="EUR",version="1"} 0.002' in told
    assert 'andon_budget_amount{automation="payments",currency="EUR",per="day"} 1.0' in told
    with database.begin() as tx:
        state = spending.budget_state(tx, "payments", datetime.now(UTC))
    assert state is not None
    assert (state.spent, state.reserved) == (2_000_000, 0)


def test_a_purse_that_runs_low_is_renewed_at_once(database: Database) -> None:
    """The first block is half of the budget; more is paid than one block, far within the second between two turns."""

    async def run() -> int:
        paid, loop = 0, asyncio.get_running_loop()
        async with keeper(database, Metrics()) as kept:
            until = loop.time() + 20
            while paid < 800 and loop.time() < until:
                if kept.purse.allow("payments", 1):
                    kept.purse.settle("payments", 1, 1, SECOND)
                    paid += 1
                await asyncio.sleep(0)
        return paid

    assert asyncio.run(run()) == 800


def test_an_addition_whose_commit_was_not_answered_is_made_once(database: Database) -> None:
    flaky = Unanswered(database.url)

    async def run() -> None:
        async with keeper(flaky, Metrics()) as kept:
            kept.tally.add("payments", 1, 1, SECOND)
            flaky.silent = 1
            assert await asyncio.to_thread(flaky.was_silent.wait, 10)
            kept.tally.add("payments", 1, 1, SECOND)

    asyncio.run(run())
    flaky.close()
    [row] = spent(database)
    assert (row.decisions, row.cpu_us) == (2, 2 * SECOND)
    with database.begin() as tx:
        assert tx.execute(text("SELECT count(*) FROM spend_writers")).scalar_one() == 1


def test_a_budget_pays_for_versions_that_look_on_and_counts_no_decision_of_theirs(database: Database) -> None:
    async def run() -> None:
        async with keeper(database, Metrics()) as keeping:
            paying = Paying(keeping, lambda _, version: version * SECOND)
            assert (paying.allow("payments", 3), paying.allow("payments", 2)) == (3, 2)
            paying.settle("payments", 1, 3, 1, SECOND // 10)
            paying.settle_shadow("payments", 2, 2, SECOND // 5)

    asyncio.run(run())
    rows = {row.version: (row.decisions, row.cpu_us, row.cost) for row in spent(database)}
    assert rows == {0: (1, 0, 0), 1: (3, SECOND // 10, 3_100_000), 2: (0, SECOND // 5, 6_200_000)}
    assert {row.version: row.gpu_us for row in spent(database)} == {0: 0, 1: SECOND, 2: 2 * SECOND}
    with database.begin() as tx:
        state = spending.budget_state(tx, "payments", datetime.now(UTC))
    assert state is not None
    assert (state.spent, state.reserved) == (9_300_000, 0)


def test_a_database_that_is_away_just_then_is_waited_for_at_the_start(database: Database) -> None:
    unanswered, metrics = Unanswered(database.url), Metrics()
    unanswered.silent = 2

    async def run() -> None:
        async with keeper(unanswered, metrics) as kept:
            assert kept.purse.allow("payments", 4) == 4

    asyncio.run(run())
    unanswered.close()
    assert unanswered.was_silent.is_set()


def test_a_budget_that_is_cleared_is_shown_no_more(database: Database) -> None:
    metrics = Metrics()
    shown = SpendingMetrics(metrics)
    purse = spending.Purse(database, {"payments": Budget(1.0)}, spending.price(3.6, 36.0, "EUR"), events=Events())
    now = datetime.now(UTC)
    with database.begin() as tx:
        spending.set_budget(tx, "lending", Budget(2.0, "month"), actor=Actor("ada"), reason="test", now=now)
    shown.budgets(purse.renew(now))
    assert b'andon_budget_amount{automation="lending",currency="EUR",per="month"} 2.0' in metrics.text()
    with database.begin() as tx:
        spending.set_budget(tx, "lending", None, actor=Actor("ada"), reason="test", now=now)
    for _ in range(2):
        shown.budgets(purse.renew(now))
    assert b"lending" not in metrics.text()
    assert b'andon_budget_amount{automation="payments",currency="EUR",per="day"} 1.0' in metrics.text()
