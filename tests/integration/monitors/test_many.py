"""Two hundred automations in one worker, run as its chores; another worker takes over where it ends."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from andon import decisions
from andon.kernel.db import Database
from andon.kernel.identity import PLATFORM
from andon.monitors.chores import MonitorWork, chores
from automations import an_automation
from watched import DAY, HOUR, NOW, Published, WatchedLine

AUTOMATIONS = 200


@pytest.mark.long
def test_monitors_of_two_hundred_automations_run_in_one_worker(database: Database, tmp_path: Path) -> None:
    line = WatchedLine(database, tmp_path)
    names = [f"line-{number}" for number in range(AUTOMATIONS)]
    with database.begin() as tx:
        for name in names:
            decisions.deploy(tx, an_automation(name, windows=False), actor=PLATFORM, now=NOW - 60 * DAY)
    for name in names:
        line.automation = an_automation(name, windows=False)
        given = line.usual(20)
        if name == "line-7":
            given = [{**one, "amount": one["amount"] + 300.0} for one in line.usual(220)]
        line.write(given, NOW - 2 * HOUR, HOUR)
    published = Published()
    works = [MonitorWork(published.bus, lambda *_: None) for _ in range(2)]
    first, second = ({one.name: one.work for one in chores(work)} for work in works)
    now = NOW + timedelta(minutes=1)
    for work in works:
        line.tally = work.tally
        with database.begin() as tx:
            line.take(tx, now, 2_000)
    assert line.read(now) == AUTOMATIONS * 20 + 200 - 4_000
    judged = 0
    while judged < 2 * AUTOMATIONS:
        with database.begin() as tx:
            if not first["monitors_judge"](tx, now):
                break
        judged += 1
    for name in ("monitors_labels", "monitors_mature", "monitors_levels", "monitors_house"):
        with database.begin() as tx:
            second[name](tx, now)
    with database.begin() as tx:
        counted = tx.execute(text("SELECT count(DISTINCT automation), sum(decisions) FROM monitor_windows")).one()
    assert tuple(counted) == (AUTOMATIONS, AUTOMATIONS * 20 + 200)
    assert judged == AUTOMATIONS + 1, "and the one that never decided"
    assert {(one.automation, one.series) for one in published.of("breached") if one.monitor == "drift"} == {
        ("line-7", "amount")
    }
