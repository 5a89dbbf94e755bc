"""The overview's memory agrees with the ledger, whatever it was asked before."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.browser import world
from tests.people import LINE, OTHER_LINE

from andon import decisions
from andon.console.pulse import SPAN, STEP, Pulse, figures
from andon.decisions import Line
from andon.kernel.db import Database

START = datetime(2026, 11, 24, 12, 0, 2, tzinfo=UTC)


@dataclass
class FakeClock:
    """Stands still until it is set."""

    at: datetime = START

    def now(self) -> datetime:
        return self.at


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def line(database: Database, clock: FakeClock, tmp_path: Path) -> Line:
    version = world.registered(database, world.a_package(tmp_path / "package"), now=START, reason="first")
    return world.the_line(database, version, tmp_path / "models", clock)


def counted(database: Database, pulse: Pulse, now: datetime, scopes: list[str] | None = None) -> int:
    with database.begin() as tx:
        return figures(pulse.read(tx, now, scopes), SPAN).decisions


def test_decisions_are_counted_once_in_their_step_and_forgotten_after_the_span(
    database: Database, clock: FakeClock, line: Line
) -> None:
    pulse = Pulse()
    for minute, count in ((0, 7), (1, 5), (5, 3)):
        clock.at = START + timedelta(minutes=minute)
        world.decided(database, line, clock, world.some_transfers(count))
        assert counted(database, pulse, clock.at + STEP) == {0: 7, 1: 12, 5: 15}[minute]
    later = START + SPAN + STEP
    assert counted(database, pulse, later) == counted(database, Pulse(), later) == 8


def test_what_was_committed_late_into_a_step_that_was_read_already_is_still_counted(
    database: Database, clock: FakeClock, line: Line
) -> None:
    pulse = Pulse()
    world.decided(database, line, clock, world.some_transfers(4))
    assert counted(database, pulse, START + STEP) == 4
    world.decided(database, line, clock, world.some_transfers(2))
    assert counted(database, pulse, START + 2 * STEP) == 6


def test_a_visitor_sees_only_the_automations_in_scope(database: Database, clock: FakeClock, line: Line) -> None:
    world.decided(database, line, clock, world.some_transfers(4))
    pulse = Pulse()
    assert counted(database, pulse, START + STEP, [LINE]) == 4
    assert counted(database, pulse, START + STEP, [OTHER_LINE]) == 0


def test_the_tallies_say_the_same_as_the_ledgers_own_statistics(
    database: Database, clock: FakeClock, line: Line
) -> None:
    world.decided(database, line, clock, world.some_transfers(200))
    with database.begin() as tx:
        exact = decisions.stats(tx, START - STEP, START + STEP)
        tallied = figures(decisions.tallies(tx, since=START - STEP, until=START + STEP, step=STEP), 2 * STEP)
    assert (tallied.decisions, tallied.automatic) == (exact.decisions, exact.automatic)
    assert tallied.p50 == pytest.approx(exact.p50_ms, rel=0.06)
    assert tallied.p99 == pytest.approx(exact.p99_ms, rel=0.06)
