"""Faults that monitors once had: labels that mature late or are many, errors of one line, names of features, arms."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from andon import Monitors, Truth, decisions, labels, monitors
from andon.decisions.domain import arm_name
from andon.kernel.db import Database, Tx
from andon.kernel.identity import PLATFORM, Actor
from andon.labels import report_of
from andon.monitors import MonitorState, label_reading
from andon.monitors.chores import MonitorWork
from andon.monitors.folding import fold
from andon.monitors.judging import JUDGES
from andon.monitors.label_reading import mature
from andon.monitors.store import labels as store
from andon.monitors.sums import total
from automations import an_automation
from watched import ARM, DAY, HOUR, NOW, WatchedLine

OTHER_ARM = arm_name("fraud-risk", 1, "def")


def silent_line(database: Database, folder: Path, matures: timedelta) -> WatchedLine:
    automation = an_automation(windows=False)
    automation.truth = Truth({"pause": "fraud", "release": "ok"}, matures=matures, unreported="ok")
    return WatchedLine(database, folder, automation)


def classes(line: WatchedLine, since: timedelta) -> dict[str, Any]:
    with line.database.begin() as tx:
        found = total([one.body for one in store.label_windows(tx, "payments", NOW - since, NOW + DAY)])
    return dict(found.get("classes", {}))


def matured(line: WatchedLine, now: Any) -> None:
    for _ in range(80):
        with line.database.begin() as tx:
            mature(tx, line.watching, now)


def test_labels_that_mature_after_hours_became_days_are_counted(database: Database, tmp_path: Path) -> None:
    line = silent_line(database, tmp_path, timedelta(days=45))
    line.write(line.usual(5), NOW - 62 * DAY, HOUR, score=0.1)
    for hour in (3, 17):
        line.write(line.usual(40), NOW - 44 * DAY + hour * HOUR, HOUR, score=0.1)
    line.read(NOW - 43 * DAY)
    with database.begin() as tx:
        assert fold(tx, NOW)
    matured(line, NOW + 2 * DAY)
    assert classes(line, 45 * DAY) == {"ok": 80}


def test_assumed_labels_stand_for_what_nobody_reported(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 60 decisions 40 were reported wrong, and only 10 of the reports are read: 20 are assumed right, not 50."""
    monkeypatch.setattr(label_reading, "MOST_LABELS", 10)
    monkeypatch.setattr(label_reading, "MOST_ASSUMED", 15)
    line = silent_line(database, tmp_path, timedelta(days=5))
    ids = line.write(line.usual(60), NOW - HOUR, HOUR, score=0.1)
    line.read()
    reports = [report_of({"decision_id": str(one), "value": "fraud"}) for one in ids[:40]]
    with database.begin() as tx:
        labels.record_all(tx, reports, actor=Actor("bank"), events=line.published.bus, now=NOW)
        assert mature(tx, line.watching, NOW + 5 * DAY) == 1
    found = classes(line, DAY)
    assert found["fraud"] == pytest.approx(40)
    assert found["ok"] == pytest.approx(20)


def test_a_judge_that_raises_stops_the_monitors_of_no_other_line(
    line: WatchedLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with line.database.begin() as tx:
        decisions.deploy(tx, an_automation("zebra", windows=False), actor=PLATFORM, now=NOW - 60 * DAY)
    line.write(line.usual(250), NOW - DAY, DAY)
    line.automation = an_automation("zebra", windows=False)
    line.write(line.usual(250), NOW - DAY, DAY)
    line.read()
    usual = JUDGES["latency"]

    def raising(window: Any) -> Any:
        if window.watched.name == "payments":
            raise ZeroDivisionError
        return usual(window)

    monkeypatch.setitem(JUDGES, "latency", raising)
    work = line.chores()["monitors_judge"]
    for _ in range(4):
        with line.database.begin() as tx:
            work(tx, NOW + timedelta(minutes=1))
    with line.database.begin() as tx:
        judged = {one.series for one in monitors.status(tx, "zebra", NOW, "drift")}
    assert "amount" in judged


def shown(line: WatchedLine, monitor: str) -> dict[tuple[str, str], MonitorState]:
    with line.database.begin() as tx:
        return {(one.series, one.arm): one.state for one in monitors.status(tx, "payments", NOW, monitor)}


def test_series_of_two_arms_keep_their_names_however_traffic_turns(line: WatchedLine) -> None:
    """A breach of one arm was moved to the other, and back, as often as another arm had most decisions."""
    for number, (mine, others) in enumerate(((260, 240), (240, 260), (260, 240))):
        start = NOW + (number - 1) * DAY
        line.write([{**one, "amount": one["amount"] + 200} for one in line.usual(mine)], start, DAY)
        line.write(line.usual(others), start, DAY, arm=OTHER_ARM)
        line.read(start + DAY)
        line.judged(start + DAY + timedelta(minutes=1))
    assert [(one.series, one.arm) for one in line.published.of("breached")] == [("amount", ARM)]
    assert line.published.of("recovered") == []
    assert shown(line, "drift")["amount", ARM] is MonitorState.WARNING
    assert shown(line, "drift")["amount", OTHER_ARM] is MonitorState.GOOD


def test_a_finding_is_provisional_a_warning_at_most_and_shown(line: WatchedLine) -> None:
    line.automation.monitors = Monitors(levels={"drift": "critical"})
    with line.database.begin() as tx:
        decisions.deploy(tx, line.automation, actor=PLATFORM, now=NOW - DAY)
    line.anew()
    line.write([{**one, "amount": one["amount"] + 200} for one in line.usual(250)], NOW - DAY, DAY)
    line.read()
    [breach] = line.published.of("breached")
    assert (breach.provisional, breach.level) == (True, "warning")
    with line.database.begin() as tx:
        found = {one.series: one for one in monitors.status(tx, "payments", NOW, "drift")}
    assert found["amount"].provisional


def test_the_first_windows_of_a_line_end_after_one_hour_two_and_four(line: WatchedLine) -> None:
    begin = NOW + 8 * HOUR
    line.write(line.usual(250), begin, HOUR)
    line.read(begin + HOUR)
    line.judged(begin + HOUR + timedelta(minutes=11))
    assert shown(line, "drift")["amount", ARM] is MonitorState.GOOD
    ends = []
    for minutes in range(60, 16 * 60, 30):
        with line.database.begin() as tx:
            now = begin + timedelta(minutes=minutes + 11)
            due = line.judge.next_due(tx, now)
            if due is not None:
                ends.append((due[1] - begin) / HOUR)
                line.judge.judge(tx, *due, now)
    assert ends == [2, 4, 8]


def beside_zebra(line: WatchedLine, given: list[dict[str, Any]], **fields: Any) -> None:
    """Write the same for this line and for another one."""
    with line.database.begin() as tx:
        decisions.deploy(tx, an_automation("zebra", windows=False), actor=PLATFORM, now=NOW - 60 * DAY)
    for name in ("payments", "zebra"):
        line.automation = an_automation(name, windows=False)
        line.write(given, NOW - HOUR, HOUR, **fields)


def test_each_transaction_judges_the_service_level_of_one_line(line: WatchedLine) -> None:
    """A breach may pull the cord, whose holder may wait for the audit log: no other cord is waited for after that."""
    beside_zebra(line, line.usual(250), latency_us=9_000_000)
    line.read()
    work = line.chores()["monitors_levels"]
    together = list[set[str]]()
    more = True
    while more:
        before = len(line.published.events)
        with line.database.begin() as tx:
            more = work(tx, NOW)
        together.append(
            {one.automation for one in line.published.of("breached") if one in line.published.events[before:]}
        )
    assert together == [{"payments"}, {"zebra"}]


def test_a_service_level_whose_transaction_fails_is_judged_again_after_those_of_other_lines(line: WatchedLine) -> None:
    beside_zebra(line, line.usual(250), latency_us=9_000_000)
    line.read()
    work, seen = line.chores()["monitors_levels"], list[str]()

    def fail_once(tx: Tx, one: monitors.MonitorBreached) -> None:
        seen.append(one.automation)
        if len(seen) == 1:
            tx.execute(text("SELECT 1 / 0"))

    line.published.bus.subscribe(monitors.MonitorBreached, fail_once)
    with pytest.raises(DBAPIError), line.database.begin() as tx:
        work(tx, NOW)
    for more in (True, False):
        with line.database.begin() as tx:
            assert work(tx, NOW) is more
    assert list(dict.fromkeys(seen[1:])) == ["zebra", "payments"]


def test_what_detectors_find_of_several_lines_at_once_takes_all_of_them_first(line: WatchedLine) -> None:
    beside_zebra(line, [{**one, "amount": one["amount"] + 200} for one in line.usual(250)])
    held = list[tuple[list[str], int]]()

    def hold(_: Tx, names: Sequence[str]) -> None:
        held.append((list(names), len(line.published.of("breached"))))

    line.tally = MonitorWork(line.published.bus, hold).tally
    line.read()
    assert held == [(["payments", "zebra"], 0)]
    assert {one.automation for one in line.published.of("breached")} == {"payments", "zebra"}


def test_detectors_of_arms_that_decide_no_more_are_forgotten(line: WatchedLine) -> None:
    line.write(line.usual(250), NOW - DAY, DAY)
    line.read()
    work = line.chores()["monitors_house"]
    kept = []
    for days in (90, 110):
        with line.database.begin() as tx:
            work(tx, line.database.now() + days * DAY)
            kept.append(tx.execute(text("SELECT count(*) FROM monitor_detectors")).scalar_one())
    assert kept == [1, 0]
