"""A small history whose figures a person counted with paper and pencil."""

from datetime import UTC, datetime, timedelta

import pytest

from andon import changes
from andon.changes import ActKind, SignKind
from andon.cord import DRILL_FIELD, LineState
from andon.kernel.db import Database
from andon.kernel.identity import PLATFORM
from changing import MODEL, NAME, ChangingLine, policy_version

MARCH = datetime(2026, 3, 2, tzinfo=UTC)  # a Monday
NOW = MARCH + timedelta(days=28)


def on(day: int, hour: int = 12, minute: int = 0) -> datetime:
    """Return a moment in March 2026."""
    return datetime(2026, 3, day, hour, minute, tzinfo=UTC)


@pytest.fixture(scope="module")
def line(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> ChangingLine:
    """Nine changes in four weeks, from the first release on 2 March; the comments say what counts."""
    line = ChangingLine(module_database, tmp_path_factory.mktemp("packages"))
    line.register(1, on(1, 8))
    line.promote(1, on(1, 9))  # nothing is released yet: no change
    line.deploy(1, 1, on(1, 12))
    line.release(1, on(2, 0))  # 1: release, lead 12 h
    line.prove(f"{MODEL}@1+{policy_version(1)}", 0.9, on(2, 0))
    line.publish(2, on(3, 10))
    line.set_policy(2, on(3, 12))  # 2: policy, lead 2 h
    line.set_policy(1, on(3, 18), by=PLATFORM)  # rolled back by Andon after 6 h: 2 failed, recovered in 6 h
    line.register(2, on(4, 12))
    line.split({}, on(5, 12), shadows=("2",))  # only a shadow: no change
    line.split({"2": 10}, on(6, 12))  # 3: split, lead 48 h
    line.split({"2": 25}, on(7, 12))  # a larger share: no change
    line.promote(2, on(9, 12))  # 4: promotion, lead 120 h
    line.split({}, on(9, 13))  # was promoted: no rollback
    line.pull(on(10, 12))  # 4 failed
    line.deploy(2, 1, on(10, 13))
    line.release(2, on(10, 14))  # 5: release, lead 1 h, rework
    line.let_go(on(10, 16))  # 4 recovered after 4 h
    line.prove(f"{MODEL}@2+{policy_version(1)}", 0.9, on(11))
    line.narrow(f"{MODEL}@2+{policy_version(1)}", 0.95, on(12))  # 6: gate, no lead time
    incident = line.open_incident(on(13, 12))  # 5 failed: a gate is not to blame
    line.end_incident(incident, on(14, 12))  # recovered after 24 h
    line.split({"1": 5}, on(15, 12))  # 7: split, lead 14 d 4 h
    line.split({}, on(16, 12))  # rolled back by olga after 24 h: 7 failed
    line.deploy(3, 1, on(18, 11))
    line.release(3, on(18, 12))  # 8: release, lead 1 h
    line.pull(on(19), **{DRILL_FIELD: "a drill"})  # nothing is wrong: neither a failure nor held in part
    line.let_go(on(19, 13), **{DRILL_FIELD: "a drill"})
    line.pull(on(27, 12), LineState.STOPPED)  # more than a week after 8: nothing is to blame
    line.let_go(on(27, 18))
    line.pull(on(28, 0), country="AT")  # only a part; nothing is to blame
    line.release(2, on(29, 12))  # 9: back after more than a week is a change; lead 18 d 23 h; rework: AT is held
    return line


def account(line: ChangingLine, since: datetime = MARCH - timedelta(days=30)) -> changes.ChangeAccount:
    with line.database.begin() as tx:
        return changes.account_of(tx, NAME, since=since, now=NOW)


def test_the_figures_are_those_counted_by_hand(line: ChangingLine) -> None:
    figures = account(line).figures
    assert (figures.since, figures.until) == (MARCH, NOW)
    assert figures.kinds == {
        ActKind.RELEASE: 4,
        ActKind.POLICY: 1,
        ActKind.SPLIT: 2,
        ActKind.PROMOTION: 1,
        ActKind.GATE: 1,
    }
    assert (figures.changes, figures.frequency.per_week) == (9, pytest.approx(9 / 4))
    hours = sorted([12, 2, 48, 120, 1, 340, 1, 455])  # in between lie 12 and 48
    assert hours == [1, 1, 2, 12, 48, 120, 340, 455]
    assert (figures.lead_time.count, figures.lead_time.median) == (8, timedelta(hours=30))
    assert (figures.lead_time.low, figures.lead_time.high) == (timedelta(hours=1), timedelta(hours=455))
    assert (figures.failures.some, figures.failures.all, figures.undecided) == (4, 9, 1)
    assert (figures.recovery_time.count, figures.recovery_time.median) == (4, timedelta(hours=15))  # 4, 6, 24, 24
    assert (figures.recovery_time.low, figures.unrecovered) == (None, 0)
    assert (figures.automatic_rollbacks.some, figures.automatic_rollbacks.all) == (1, 2)
    assert (figures.rework.some, figures.rework.all) == (2, 9)


def test_the_times_in_each_state_add_up_to_the_span(line: ChangingLine) -> None:
    states = account(line).figures.states
    assert states.times[LineState.SUPERVISED] == timedelta(hours=4)
    assert states.times[LineState.STOPPED] == timedelta(hours=6)
    assert states.total == timedelta(days=28)
    assert states.in_part == timedelta(days=2)


def test_each_failure_says_by_which_signs_it_showed(line: ChangingLine) -> None:
    failed = {one.what: [sign.kind for sign in one.signs] for one in account(line).changes if one.failed}
    assert failed == {
        f"policy {policy_version(2)}": [SignKind.ROLLED_BACK],
        f"{MODEL} 2 as champion": [SignKind.CORD_PULLED],
        "version 2": [SignKind.INCIDENT],
        "version 1: 5 %": [SignKind.ROLLED_BACK],
    }


def test_the_weeks_add_up_to_the_figures(line: ChangingLine) -> None:
    found = account(line)
    assert [one.starts_at for one in found.weeks] == [MARCH + timedelta(days=7 * week) for week in range(4)]
    assert [one.changes for one in found.weeks] == [3, 4, 1, 1]
    assert [one.failed for one in found.weeks] == [1, 3, 0, 0]
    assert [one.rollbacks for one in found.weeks] == [1, 0, 1, 0]
    assert sum((one.held for one in found.weeks), timedelta()) == timedelta(hours=10)


def test_a_later_beginning_counts_only_what_came_since(line: ChangingLine) -> None:
    figures = account(line, since=on(16)).figures
    assert (figures.since, figures.changes, figures.failures.some) == (on(16), 2, 0)
    assert figures.frequency.per_week == pytest.approx(2 / (13.5 / 7))
    assert figures.states.times[LineState.SUPERVISED] == timedelta()
