"""Labels in monitors: counted exactly once, corrected, mature when they are due, and judged."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from andon import Fairness, Monitors, Truth, labels, monitors
from andon.kernel.db import Database
from andon.kernel.events import Events
from andon.kernel.identity import Actor
from andon.labels import LabelSource, report_of
from andon.monitors import MonitorState
from andon.monitors.label_reading import mature, read_changes
from andon.monitors.once import draw_of, place_of
from andon.monitors.store import labels as store
from andon.monitors.sums import total
from automations import an_automation
from watched import DAY, HOUR, NOW, WatchedLine

BANK = Actor("bank")


@pytest.fixture
def line(database: Database, tmp_path: Path) -> WatchedLine:
    automation = an_automation(windows=False)
    automation.truth = Truth({"pause": "fraud", "release": "ok"})
    return WatchedLine(database, tmp_path, automation)


def say(line: WatchedLine, ids: list[UUID], value: str, *, now: datetime = NOW, events: Events | None = None) -> None:
    reports = [report_of({"decision_id": str(one), "value": value}) for one in ids]
    with line.database.begin() as tx:
        settled = labels.record_all(tx, reports, actor=BANK, events=events or line.published.bus, now=now)
    assert {one.fate.value for one in settled} == {"recorded"}


def read(line: WatchedLine, now: datetime = NOW) -> int:
    with line.database.begin() as tx:
        return read_changes(tx, line.watching, now)


def sums(line: WatchedLine) -> dict[str, Any]:
    with line.database.begin() as tx:
        return total([one.body for one in store.label_windows(tx, "payments", NOW - 40 * DAY, NOW + DAY)])


def states(line: WatchedLine, monitor: str, now: datetime = NOW) -> dict[str, Any]:
    with line.database.begin() as tx:
        return {
            " ".join(filter(None, (one.series, *map(str, one.segment.values())))): one
            for one in monitors.status(tx, "payments", now, monitor)
        }


def test_labels_are_counted_once_and_a_correction_takes_the_place_of_what_it_corrects(line: WatchedLine) -> None:
    ids = line.write(line.usual(60), NOW - HOUR, HOUR, score=0.1)
    line.read()
    say(line, ids, "ok")
    assert read(line) == 1
    assert read(line) == 0
    assert (sums(line)["labelled"], sums(line)["automatic"]["wrong"], sums(line)["classes"]) == (60, 0, {"ok": 60})
    with line.database.begin() as tx:
        [first] = labels.of_decision(tx, ids[0])
        labels.correct(
            tx,
            first.id,
            decision_id=ids[0],
            value="fraud",
            reason="a chargeback",
            actor=BANK,
            events=line.published.bus,
            now=NOW,
        )
    assert read(line) == 1
    assert (sums(line)["labelled"], sums(line)["automatic"]["wrong"]) == (60, 1)
    assert sums(line)["classes"] == {"ok": 59, "fraud": 1}


def test_a_kill_while_labels_are_read_loses_none(line: WatchedLine) -> None:
    ids = line.write(line.usual(20), NOW - HOUR, HOUR, score=0.1)
    say(line, ids, "ok")
    with line.database.engine.connect() as connection, connection.begin() as transaction:
        assert read_changes(connection, line.watching, NOW) == 1
        transaction.rollback()
    assert sums(line) == {}
    line.anew()
    assert read(line) == 1
    assert sums(line)["labelled"] == 20


def test_a_label_that_is_rolled_back_is_not_noted(line: WatchedLine) -> None:
    [one] = line.write(line.usual(1), NOW - HOUR, HOUR)
    with line.database.engine.connect() as connection, connection.begin() as transaction:
        labels.record(
            connection,
            decision_id=one,
            value="ok",
            source=LabelSource.EVENT,
            actor=BANK,
            events=line.published.bus,
            now=NOW,
        )
        transaction.rollback()
    assert read(line) == 0


def test_silence_counts_when_it_is_mature(database: Database, tmp_path: Path) -> None:
    automation = an_automation(windows=False)
    automation.truth = Truth({"pause": "fraud", "release": "ok"}, matures=timedelta(days=5), unreported="ok")
    line = WatchedLine(database, tmp_path, automation)
    ids = line.write(line.usual(100), NOW - HOUR, HOUR, score=0.1)
    line.read()
    say(line, ids[:10], "fraud")
    assert read(line) == 1
    assert sums(line) == {}, "what was reported is not mature yet"
    with database.begin() as tx:
        assert mature(tx, line.watching, NOW + 4 * DAY) == 0
    with database.begin() as tx:
        assert mature(tx, line.watching, NOW + 5 * DAY) == 1
    assert sums(line)["classes"] == {"fraud": 10, "ok": 90}
    with database.begin() as tx:
        assert mature(tx, line.watching, NOW + 6 * DAY) == 0


def test_wrong_predictions_are_a_breach_of_performance_and_calibration(line: WatchedLine) -> None:
    ids = line.write(line.usual(300), NOW - DAY, DAY, score=0.03)
    line.read()
    say(line, ids[:12], "fraud")
    say(line, ids[12:], "ok")
    while read(line):
        pass
    line.judged(NOW + timedelta(minutes=1))
    good = states(line, "performance")
    assert good["automatic"].state is MonitorState.GOOD
    assert round(good["automatic"].observed, 4) == 0.04
    assert good["automatic"].low < 0.04 < good["automatic"].high
    wrong = line.write(line.usual(300), NOW, DAY, score=0.03)
    line.read(NOW + DAY)
    say(line, wrong[:150], "fraud", now=NOW + DAY)
    say(line, wrong[150:], "ok", now=NOW + DAY)
    while read(line, NOW + DAY):
        pass
    line.judged(NOW + DAY + timedelta(minutes=1))
    breached = {(one.monitor, one.series, one.level.value) for one in line.published.of("breached")}
    assert {("performance", "automatic", "critical"), ("calibration", "", "warning")} <= breached
    label_free = states(line, "label-free")[""]
    assert label_free.state is MonitorState.SILENT
    assert label_free.reason == "300 labels reject the calibration of the scores"


def test_too_few_labels_say_how_many_are_needed(line: WatchedLine) -> None:
    ids = line.write(line.usual(300), NOW - DAY, DAY)
    line.read()
    say(line, ids[:12], "ok")
    read(line)
    line.judged(NOW + timedelta(minutes=1))
    assert states(line, "calibration")[""].reason == "too few labels, 12 of 50"


def test_groups_are_compared_with_all_others(database: Database, tmp_path: Path) -> None:
    automation = an_automation(windows=False)
    automation.truth = Truth({"pause": "fraud", "release": "ok"})
    automation.monitors = Monitors(fairness=[Fairness("country")])
    line = WatchedLine(database, tmp_path, automation)
    given = [
        {**one, "country": "DE" if number % 2 else "FR", "account": f"a{number}"}
        for number, one in enumerate(line.usual(600))
    ]
    ids = line.write(
        given,
        NOW - DAY,
        DAY,
        score=0.1,
        outcome=lambda number, one: "pause" if one["country"] == "FR" and number % 4 == 0 else "release",
    )
    line.read()
    wrong = [one for number, one in enumerate(ids) if number % 2 and number % 3 == 0]
    say(line, wrong, "fraud")
    say(line, [one for one in ids if one not in set(wrong)], "ok")
    while read(line):
        pass
    line.judged(NOW + timedelta(minutes=1))
    breached = {
        (one.series, one.segment["country"]) for one in line.published.of("breached") if one.monitor == "fairness"
    }
    assert breached == {
        (f"country {rate}", country)
        for rate in ("outcome pause", "outcome release", "error")
        for country in ("DE", "FR")
    }
    shown = states(line, "fairness")
    assert shown["country automatic FR"].state is MonitorState.GOOD
    kept: dict[str, tuple[int, str, bool]] = {}
    for number, (identifier, one) in enumerate(zip(ids, given, strict=True)):
        entry = draw_of(identifier.bytes), one["country"], one["country"] == "FR" and number % 4 == 0
        place = place_of(one["account"], identifier.bytes)
        kept[place] = min(kept.get(place, entry), entry)
    paused = [pause for _, country, pause in kept.values() if country == "FR"]
    assert shown["country outcome pause FR"].observed == sum(paused) / len(paused)
    assert 0 < len(kept) < 600, "accounts that share a place count once"


def test_reviewers_who_disagree_are_counted_by_name_and_rule(line: WatchedLine) -> None:
    [one, other] = line.write(line.usual(2), NOW - HOUR, HOUR, score=0.1, outcome="review", rule="otherwise")
    with line.database.begin() as tx:
        for decision, value, by in ((one, "fraud", "ann"), (other, "ok", "ben")):
            label = labels.record(
                tx,
                decision_id=decision,
                value=value,
                source=LabelSource.REVIEW,
                actor=Actor(by),
                events=line.published.bus,
                now=NOW,
            )
            assert label.by == by
    read(line)
    assert sums(line)["reviewers"] == {"ann": {"rows": 1, "wrong": 1}, "ben": {"rows": 1, "wrong": 0}}
    assert sums(line)["rules"] == {"otherwise": {"rows": 2, "wrong": 1}}
    assert sums(line)["classes"] == {}, "reviews are no fair sample of the classes"
