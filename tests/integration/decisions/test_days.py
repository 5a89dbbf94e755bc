"""The ledger's partitions: made ahead, and what happens to a day that nobody planned."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
from sqlalchemy import text

from andon import decisions
from andon.decisions.service import DAYS_AHEAD
from andon.decisions.store.days import SAMPLED, UNCOMPRESSED
from andon.kernel.db import DatabaseUnavailable
from automations import payment
from lines import Installation

from .deciding import recorded
from .test_decider import a_request, decide_all


def plan(installation: Installation, now: datetime) -> None:
    with installation.database.begin() as tx:
        decisions.plan_days(tx, now)


def days(installation: Installation) -> list[str]:
    """Return the existing partitions."""
    query = text(
        "SELECT inhrelid::regclass::text AS p FROM pg_inherits WHERE inhparent = 'decisions'::regclass ORDER BY p"
    )
    with installation.database.begin() as tx:
        return list(tx.execute(query).scalars())


def places(installation: Installation) -> list[str]:
    """Where each decision lies, oldest first."""
    with installation.database.begin() as tx:
        return list(tx.execute(text("SELECT tableoid::regclass::text FROM decisions ORDER BY id")).scalars())


def decide(installation: Installation, number: int) -> None:
    asyncio.run(decide_all(installation, [a_request(installation, payment(number))]))


def named(day: datetime) -> str:
    return f"decisions_{day:%Y_%m_%d}"


def test_a_day_is_analysed_by_few_rows(installation: Installation) -> None:
    plan(installation, installation.clock.now())
    query = text(
        "SELECT DISTINCT attstattarget FROM pg_attribute WHERE attrelid = CAST(:day AS regclass) AND attnum > 0"
    )
    with installation.database.begin() as tx:
        assert tx.execute(query, {"day": named(installation.clock.now())}).scalars().all() == [SAMPLED]


def test_no_day_compresses_the_records_of_usual_rows(installation: Installation) -> None:
    plan(installation, installation.clock.now())
    query = text(
        "SELECT inhrelid::regclass::text FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid"
        " WHERE inhparent = 'decisions'::regclass AND reloptions @> ARRAY[:option] ORDER BY 1"
    )
    with installation.database.begin() as tx:
        assert list(tx.execute(query, {"option": f"toast_tuple_target={UNCOMPRESSED}"}).scalars()) == days(installation)


def test_days_are_partitions_made_ahead(installation: Installation) -> None:
    today = installation.clock.now()
    plan(installation, today)
    decide(installation, 1)
    assert places(installation) == [named(today)]
    assert days(installation) == [
        *(named(today + timedelta(days=n)) for n in range(DAYS_AHEAD + 1)),
        "decisions_unplanned",
    ]
    plan(installation, today + timedelta(days=2))
    assert len(days(installation)) == DAYS_AHEAD + 4


def test_a_day_that_was_not_planned_in_time_stays_where_it_is_and_the_next_are_planned(
    installation: Installation,
) -> None:
    today = installation.clock.now()
    decide(installation, 1)
    plan(installation, today)
    decide(installation, 2)
    assert places(installation) == ["decisions_unplanned"] * 2
    assert len(recorded(installation)) == 2
    assert days(installation) == [
        *(named(today + timedelta(days=n)) for n in range(1, DAYS_AHEAD + 1)),
        "decisions_unplanned",
    ]


def test_a_planned_day_can_not_be_changed_either(installation: Installation) -> None:
    plan(installation, installation.clock.now())
    decide(installation, 1)
    for change in ("UPDATE decisions SET outcome = 'release'", f"DELETE FROM {places(installation)[0]}"):
        with (
            pytest.raises(Exception, match="decisions are never changed or deleted"),
            installation.database.begin() as tx,
        ):
            tx.execute(text(change))


def test_of_those_that_plan_at_once_all_but_one_wait(installation: Installation) -> None:
    """Two processes that had both read the ledger before they locked it used to deadlock; many rounds of several."""
    rounds, planners = 12, 4
    start = Barrier(planners)

    def run() -> None:
        for n in range(rounds):
            start.wait(10)
            plan(installation, datetime(2027, 5, 1, tzinfo=UTC) + timedelta(days=n))

    with ThreadPoolExecutor() as pool:
        for planning in [pool.submit(run) for _ in range(planners)]:
            planning.result(60)
    assert len(days(installation)) == DAYS_AHEAD + rounds + 1


def test_planning_waits_for_no_long_question_and_deciding_for_no_planning(installation: Installation) -> None:
    today = installation.clock.now()
    tomorrow = today + timedelta(days=1)
    plan(installation, today)
    with ThreadPoolExecutor() as pool, installation.database.begin() as long:
        assert long.execute(text("SELECT count(*) FROM decisions")).scalar_one() == 0
        planning = pool.submit(plan, installation, tomorrow)
        decide(installation, 1)
        with pytest.raises(DatabaseUnavailable):
            planning.result(10)
    plan(installation, tomorrow)
    assert places(installation) == [named(today)]
    assert named(tomorrow + timedelta(days=DAYS_AHEAD)) in days(installation)
