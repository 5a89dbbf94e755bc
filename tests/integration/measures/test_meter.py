"""The meter: from the feed to sums; again when labels arrive, change or mature; rollbacks lose and double nothing."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import text
from tests.integration.measures.metering import (
    BANK,
    LET_THROUGH,
    SCREENED,
    decide,
    hearing,
    measured,
    say,
    shown,
    sums,
    work,
)

from andon import Measure, labels
from andon.decisions import LineRef
from andon.evidence import DecisionStream
from andon.kernel.db import Database
from andon.labels import TruthReport
from andon.measures import Grouping, Meter
from lines import Installation, install

DAY = timedelta(days=1)


@pytest.fixture
def installation(database: Database, tmp_path: Path) -> Installation:
    return install(database, tmp_path, measured(SCREENED, LET_THROUGH))


def test_decisions_are_summed_and_a_label_changes_the_sum_when_it_comes_and_when_it_is_corrected(
    installation: Installation,
) -> None:
    database, meter = installation.database, Meter()
    first, second = decide(installation, 1, amount=10.1), decide(installation, 2, amount=20.2)
    assert (first.outcome, second.outcome) == ("release", "release")
    now = second.decided_at
    work(database, meter, now)
    assert shown(database) == {"let_through": (2, 0, Decimal(0)), "screened": (2, 2, Decimal("30.3"))}

    label = say(database, first, "fraud", now + DAY)
    work(database, meter, now + DAY)
    assert shown(database)["let_through"] == (2, 1, Decimal("20.2"))

    with database.begin() as tx:
        about = {"decision_id": first.id, "value": "ok", "reason": "the wrong one", "actor": BANK, "events": hearing()}
        labels.correct(tx, label.id, now=now + 2 * DAY, **about)
    work(database, meter, now + 2 * DAY)
    assert shown(database) == {"let_through": (2, 0, Decimal(0)), "screened": (2, 2, Decimal("30.3"))}


def test_a_label_from_before_the_decision_was_read_counts_once(installation: Installation) -> None:
    row = decide(installation, amount=10.0)
    say(installation.database, row, "fraud", row.decided_at + DAY)
    work(installation.database, Meter(), row.decided_at + DAY)
    work(installation.database, Meter(), row.decided_at + DAY)
    assert shown(installation.database) == {"let_through": (1, 1, Decimal(20)), "screened": (1, 1, Decimal(10))}


def test_labels_that_are_imported_have_their_decisions_measured_again(installation: Installation) -> None:
    database, meter = installation.database, Meter()
    rows = [decide(installation, number, amount=10.0 * number) for number in (1, 2, 3)]
    now = rows[-1].decided_at
    work(database, meter, now)
    with database.begin() as tx:
        reports = [TruthReport(decision_id=row.id, value="fraud") for row in rows[:2]]
        labels.record_all(tx, reports, actor=BANK, events=hearing(), now=now + DAY)
    work(database, meter, now + DAY)
    assert shown(database)["let_through"] == (3, 2, Decimal(60))


def test_what_is_assumed_at_maturity_counts_from_then_on(database: Database, tmp_path: Path) -> None:
    honest = Measure("honest", unit="decisions", value=1, when='label == "ok"')
    installation = install(database, tmp_path, measured(honest))
    row, meter = decide(installation), Meter()
    work(database, meter, row.decided_at)
    assert shown(database) == {"honest": (1, 0, Decimal(0))}
    work(database, meter, row.decided_at + 31 * DAY)
    assert shown(database) == {"honest": (1, 1, Decimal(1))}


def test_a_rollback_loses_and_doubles_nothing(installation: Installation) -> None:
    database, meter = installation.database, Meter()
    row = decide(installation, amount=10.0)
    say(database, row, "fraud", row.decided_at)
    for _ in range(2):
        with database.engine.connect() as connection, connection.begin() as transaction:
            DecisionStream([meter]).take(connection, row.decided_at)
            meter.work(connection, row.decided_at)
            transaction.rollback()
    assert shown(database) == {}
    work(database, meter, row.decided_at)
    assert shown(database) == {"let_through": (1, 1, Decimal(20)), "screened": (1, 1, Decimal(10))}


def test_sums_are_told_apart_by_segment_arm_version_and_day(installation: Installation) -> None:
    database = installation.database
    rows = [decide(installation, 1, country="DE"), decide(installation, 2, country="FR")]
    for row in rows:
        say(database, row, "fraud", row.decided_at)
    work(database, Meter(), rows[1].decided_at)
    by_segment = [(one.group, one.counted) for one in sums(database, Grouping.SEGMENT) if one.measure == "let_through"]
    assert by_segment == [({"country": "DE"}, 1), ({"country": "FR"}, 1)]
    line: LineRef = installation.deployment.lines["payments"].traffic.champion.ref
    groups = {by: {tuple(one.group.items()) for one in sums(database, by)} for by in Grouping}
    assert groups[Grouping.ARM] == {(("arm", line.arm),)}
    assert groups[Grouping.VERSION] == {(("version", "fraud-risk@1"),)}
    assert groups[Grouping.DAY] == {(("day", rows[0].decided_at.date().isoformat()),)}


def test_a_line_without_measures_is_passed_over(database: Database, tmp_path: Path) -> None:
    automation = measured()
    automation.measures = ()
    installation = install(database, tmp_path, automation)
    decide(installation)
    work(database, Meter(), installation.clock.now())
    assert shown(database) == {}


def test_a_label_that_arrives_while_its_decision_is_counted_counts_once(installation: Installation) -> None:
    database, row = installation.database, decide(installation, amount=10.0)
    now = row.decided_at + DAY
    say(database, row, "fraud", now)
    with ThreadPoolExecutor(1) as pool:
        with database.begin() as tx:
            DecisionStream([Meter()]).take(tx, now)
            other = pool.submit(remeasured, database, now)
            while not other.done() and not waits(database):
                pass
        other.result()
    work(database, Meter(), now)
    assert shown(database)["let_through"] == (1, 1, Decimal(20))


def remeasured(database: Database, now: datetime) -> None:
    with database.begin() as tx:
        Meter().work(tx, now)


def waits(database: Database) -> bool:
    """Return whether somebody waits for a lock."""
    with database.begin() as tx:
        return bool(tx.execute(text("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")).scalar_one())
