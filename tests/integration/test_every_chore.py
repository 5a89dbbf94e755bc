"""Every chore of a worker at once, on lines with traffic, verdicts, labels, alerts and a rollout; also hours later."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from alarming import a_breach, alerts_of
from andon import MaxError, Procedure, audit, gates, monitors, procedure, reviews
from andon.bootstrap.chores import run_chores
from andon.bootstrap.measures import Measures
from andon.bootstrap.procedures import Procedures
from andon.bootstrap.vouched import ROWS, all_evidence
from andon.gates import Origin
from andon.kernel.chores import Chore, ChoreRunner, rows
from andon.kernel.config import AlertSettings, DestinationSettings, Settings
from andon.kernel.db import Database
from andon.labels import LabelSource
from andon.monitors import Level
from andon.reviews import ReviewFilter
from conducting import conducting, start
from proving import GatedLine, a_gated, rightly, wrongly
from rolling import OTTO, RolledLine, a_rolled_line

LINES = ("payments", "refunds")

EIGHT_HOURS = timedelta(hours=8)
"""After three of them keys of callers are forgotten, which a verification by today's time would miss."""


@procedure("remind")
async def remind(p: Procedure, case: dict[str, str]) -> str:
    return p.automation


def everything_at_once(runner: ChoreRunner) -> None:
    """Run every chore beside the others, as a worker does, until none has more to do."""

    def finish(chore: Chore) -> None:
        while not runner._once(chore):
            pass

    with ThreadPoolExecutor(len(runner._chores)) as threads:
        list(threads.map(finish, runner._chores))


def goes_on(line: RolledLine) -> None:
    """Let both lines decide, people look at half of the reviews, and the truth become known."""
    database, now = line.database, line.now
    line.decide(150, shadowed=True)
    for name in LINES:
        gated = GatedLine(line.installation, name, seed=line.seed)
        some = gated.decide(150)
        gated.label(some[:100], rightly)
        gated.label(some[100:110], wrongly, source=LabelSource.EVENT)
    with database.begin() as tx:
        waiting = reviews.page(tx, ReviewFilter(), now=now, limit=40)
    for one in waiting[::2]:
        with database.begin() as tx:
            reviews.claim(tx, one.id, actor=OTTO, now=now)
            reviews.give_verdict(
                tx, one.id, outcome=one.choices[0], reason="seen", actor=OTTO, events=line.events, now=now
            )


def test_every_chore_runs_beside_the_others_and_the_log_stays_sound(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    automations = [a_gated(MaxError(0.1), name=name) for name in LINES]
    line = a_rolled_line(database, tmp_path, *automations)
    settings = Settings(
        destinations={"bank": DestinationSettings(url="https://bank.example/hook")},
        alerts={"mail": AlertSettings(destination="bank")},
        root=tmp_path,
    )
    usual = rows.now
    with conducting(database, remind) as conductor:
        start(database, conductor, "remind")
        measures, procedures = Measures(), Procedures(conductor)
        runner = run_chores(settings, database, measures, line.events, procedures, automations)
        goes_on(line)
        line.start(2)
        for turn in range(3):
            later = turn * EIGHT_HOURS
            monkeypatch.setattr(rows, "now", lambda tx, later=later: usual(tx) + later)
            everything_at_once(runner)
            with database.begin() as tx:
                level = Level.CRITICAL if turn else Level.WARNING
                line.events.publish(tx, a_breach(line.now + later, automation="refunds", level=level))
            goes_on(line)
        everything_at_once(runner)
    with database.begin() as tx:
        states = {one.name: (one.last_error, one.last_run_at is not None) for one in rows.states(tx)}
        assert states == {chore.name: (None, True) for chore in runner._chores}
        deadlocks = text("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        assert tx.execute(deadlocks).scalar_one() == 0
        for name in LINES:
            assert Origin.LIVE in {one.origin for one in gates.page(tx, name, limit=50)}
            assert monitors.status(tx, name, line.now)
    sent = {(one.automation, one.monitor) for one in alerts_of(database) if one.sent_at is not None}
    assert ("refunds", "drift") in sent
    with database.snapshot() as tx:
        assert audit.verify(tx, evidence=all_evidence(), rows=ROWS).findings == ()
