"""From windows to breaches and recoveries, each published exactly once."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from andon import Automation, Monitors, ServiceLevel, Window, decisions, monitors
from andon.kernel.db import Database
from andon.kernel.identity import PLATFORM
from andon.monitors import MonitorState, SeriesStatus
from automations import an_automation
from watched import ARM, DAY, HOUR, NOW, WatchedLine


def status(line: WatchedLine, monitor: str, now: Any = NOW) -> dict[str, SeriesStatus]:
    with line.database.begin() as tx:
        return {one.series: one for one in monitors.status(tx, line.automation.name, now, monitor)}


def day(line: WatchedLine, number: int, count: int = 250, *, shift: float = 0.0, **fields: Any) -> None:
    """One day of decisions, read and judged a minute after its end. Day 0 ends at NOW."""
    given = line.usual(count)
    for one in given:
        one["amount"] += shift
    start = NOW + (number - 1) * DAY
    line.write(given, start, DAY, **fields)
    line.read(start + DAY + timedelta(minutes=1))
    line.judged(start + DAY + timedelta(minutes=1))


def test_before_the_first_window_ends_each_monitor_says_when_it_will(line: WatchedLine) -> None:
    shown = status(line, "drift", NOW + HOUR)[""]
    assert shown.state is MonitorState.SILENT
    assert shown.reason == "no decision was read yet"
    line.write(line.usual(10), NOW + HOUR, HOUR)
    line.read(NOW + 2 * HOUR)
    assert status(line, "drift", NOW + HOUR)[""].reason == "the first window ends at 2026-11-24 02:00 UTC"


def test_usual_days_are_good_or_silent_and_publish_nothing(line: WatchedLine) -> None:
    for number in range(-8, 1):
        day(line, number)
    assert line.published.events == []
    with line.database.begin() as tx:
        found = monitors.status(tx, line.automation.name, NOW)
    assert {one.monitor for one in found if one.state is MonitorState.GOOD} == {
        "drift",
        "prediction-drift",
        "automatic-share",
        "errors",
        "latency",
    }
    silent = {one.monitor: one.reason for one in found if one.state is MonitorState.SILENT}
    assert silent["cost"] == "no spending was recorded"
    assert silent["label-free"] == "too few first windows to compare with, 6 of 8"
    assert silent["fairness"].startswith("no field was declared")
    assert silent["calibration"] == "too few labels, 0 of 50"


def test_a_shift_is_published_once_and_once_that_it_is_over(line: WatchedLine) -> None:
    day(line, -1)
    assert line.published.events == []
    day(line, 0, shift=150.0)
    [breach] = line.published.of("breached")
    assert (breach.automation, breach.monitor, breach.series, breach.arm) == ("payments", "drift", "amount", ARM)
    assert breach.level == "warning"
    assert breach.false_alarm < 0.05
    assert sum(breach.detail["reference"]) > 0 < sum(breach.detail["current"])
    assert len(breach.detail["labels"]) == len(breach.detail["current"])
    day(line, 1, shift=150.0)
    assert len(line.published.events) == 1
    shown = status(line, "drift")["amount"]
    assert shown.state is MonitorState.WARNING
    assert shown.since < NOW
    for number in (2, 3):
        day(line, number)
    [over] = line.published.of("recovered")
    assert (over.monitor, over.series) == ("drift", "amount")
    assert status(line, "drift")["amount"].state is MonitorState.GOOD
    day(line, 4, shift=150.0)
    assert len(line.published.of("breached")) == 2, "a detector that found a change looks for the next one"


def a_line_with_windows(database: Database, folder: Path) -> WatchedLine:
    plain = an_automation(windows=False)
    windows = [Window("amount", by="account", over=("24h",), aggregates=("count",))]
    return WatchedLine(
        database,
        folder,
        Automation(
            plain.name,
            contract=plain.contract,
            model=plain.model,
            policy=plain.policy,
            features=[*plain.features, *windows],
        ),
    )


def test_windows_that_fill_are_no_drift_and_what_lasts_is(database: Database, tmp_path: Path) -> None:
    line = a_line_with_windows(database, tmp_path)
    day(line, -1, score=0.97)
    assert line.published.events == []
    filling = status(line, "prediction-drift", NOW)["score"]
    assert (filling.state, filling.reason) == (MonitorState.SILENT, "its windows are full from 2026-11-23 00:00 UTC on")
    day(line, 0, score=0.97)
    assert "score" in [event.series for event in line.published.of("breached")]


def test_a_feature_without_windows_is_judged_on_the_day_on_which_its_line_began(
    database: Database, tmp_path: Path
) -> None:
    line = a_line_with_windows(database, tmp_path)
    line.write(line.usual(250), NOW - HOUR, HOUR)
    line.read()
    line.judged(NOW + timedelta(minutes=1))
    assert status(line, "drift", NOW)["amount"].state is MonitorState.GOOD


def test_a_line_without_windows_is_judged_from_its_first_decision(line: WatchedLine) -> None:
    day(line, -1, score=0.97)
    assert "score" in [event.series for event in line.published.of("breached")]


def test_what_is_judged_again_after_a_kill_is_published_once(line: WatchedLine) -> None:
    line.write([{**one, "amount": one["amount"] + 200} for one in line.usual(240)], NOW - DAY, DAY)
    now = NOW + timedelta(minutes=1)
    for _ in range(2):
        with line.database.engine.connect() as connection, connection.begin() as transaction:
            line.take(connection, now)
            due = line.judge.next_due(connection, now)
            assert due is not None
            line.judge.judge(connection, *due, now)
            transaction.rollback()
        line.published.events.clear()
        line.anew()
    line.read(now)
    line.judged(now)
    line.anew()
    line.judged(now)
    assert [event.series for event in line.published.of("breached")] == ["amount"]


def test_an_empty_window_says_nothing_and_ends_no_breach(line: WatchedLine) -> None:
    day(line, 0, shift=200.0)
    line.judged(NOW + DAY + timedelta(minutes=1))
    line.judged(NOW + 2 * DAY + timedelta(minutes=1))
    assert len(line.published.of("breached")) == 1
    assert line.published.of("recovered") == []
    assert status(line, "drift")["amount"].state is MonitorState.WARNING


def test_a_window_waits_for_decisions_that_are_not_read_yet(line: WatchedLine) -> None:
    line.write(line.usual(250), NOW - DAY, DAY - HOUR)
    with line.database.begin() as tx:
        line.take(tx, NOW, 1)
        assert line.judge.next_due(tx, NOW + timedelta(minutes=1)) is None
    line.read()
    with line.database.begin() as tx:
        assert line.judge.next_due(tx, NOW + timedelta(minutes=1)) == ("payments", NOW)


def test_a_feature_that_is_missing_from_now_on_is_found_decision_by_decision(line: WatchedLine) -> None:
    line.write(line.usual(200), NOW - DAY, HOUR)
    line.write([{**one, "amount": None} for one in line.usual(200)], NOW - DAY + HOUR, HOUR)
    line.read(NOW - DAY + 2 * HOUR)
    [breach] = line.published.of("breached")
    assert (breach.monitor, breach.series) == ("drift", "amount")
    assert NOW - DAY <= breach.since <= NOW - DAY + 2 * HOUR


def test_failures_and_slow_decisions_burn_the_service_level_at_once(database: Database, tmp_path: Path) -> None:
    automation = an_automation(windows=False)
    automation.monitors = Monitors(service=ServiceLevel(timedelta(milliseconds=100), 0.99))
    line = WatchedLine(database, tmp_path, automation)
    line.write(line.usual(400), NOW - HOUR, HOUR, latency_us=lambda n, _: 500_000 if n % 4 == 0 else 2000)
    line.read()
    for _ in range(2):
        with database.begin() as tx:
            line.judge.judge_service_level(tx, NOW)
    breaches = line.published.of("breached")
    assert [(one.monitor, one.series, one.level) for one in breaches] == [
        ("service-level", "fast", "critical"),
        ("service-level", "steady", "critical"),
        ("service-level", "slow", "warning"),
    ]
    assert round(breaches[0].observed, 6) == 25.0
    line.write(line.usual(400), NOW + timedelta(minutes=5), HOUR)
    line.read(NOW + 2 * HOUR)
    with database.begin() as tx:
        line.judge.judge_service_level(tx, NOW + HOUR + timedelta(minutes=6))
    assert "fast" in [one.series for one in line.published.of("recovered")]


def test_errors_latency_and_automatic_share_are_compared_with_the_first_days(line: WatchedLine) -> None:
    for number in range(-8, 1):
        day(line, number, latency_us=lambda n, _: 1000 + n)
    assert line.published.events == []
    day(line, 1, latency_us=20_000, certain=lambda n, _: n % 2 == 0)
    assert {(one.monitor, one.series) for one in line.published.of("breached")} == {
        ("latency", ""),
        ("automatic-share", ""),
    }
    day(line, 2, score=None, outcome="review", rule="error", reasons=["PREDICTION_FAILED"])
    failed = {(one.series, one.level) for one in line.published.of("breached") if one.monitor == "errors"}
    assert failed == {("", "critical"), ("PREDICTION_FAILED", "warning")}
    day(line, 3)
    over = {one.series: one.message for one in line.published.of("recovered") if one.monitor == "errors"}
    assert set(over) == {"", "PREDICTION_FAILED"}
    assert over["PREDICTION_FAILED"].startswith("the share with PREDICTION_FAILED is 0.00%")


def test_a_monitor_that_is_switched_off_says_so_and_ends_its_breach(line: WatchedLine) -> None:
    day(line, 0, shift=200.0)
    assert len(line.published.of("breached")) == 1
    line.automation.monitors = Monitors(off=["drift"], levels={"latency": "critical"})

    with line.database.begin() as tx:
        decisions.deploy(tx, line.automation, actor=PLATFORM, now=NOW)
    line.anew()
    day(line, 1, shift=200.0)
    assert [one.message for one in line.published.of("recovered")] == ["It is no longer watched"]
    assert status(line, "drift")[""].reason == "it is switched off"
