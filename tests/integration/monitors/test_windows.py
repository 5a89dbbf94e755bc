"""From the feed to windows: complete, exactly once, whatever is killed, and as the decisions were."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from andon import decisions
from andon.decisions import ConsumerBusy
from andon.monitors.sampling import PER_SLOT
from andon.monitors.store import windows as store
from andon.monitors.store.windows import StoredWindow
from andon.monitors.sums import total
from watched import ARM, DAY, HOUR, NOW, WatchedLine


def stored(line: WatchedLine) -> list[StoredWindow]:
    with line.database.begin() as tx:
        return store.windows(tx, line.automation.name, NOW - 40 * DAY, NOW + DAY)


def sums(line: WatchedLine) -> dict[str, Any]:
    return total([one.body for one in stored(line)])


def test_what_was_decided_is_added_up_by_hour_and_arm(line: WatchedLine) -> None:
    given = line.usual(300)
    line.write(given, NOW - 3 * HOUR, 2 * HOUR, score=lambda n, _: 0.9 if n % 3 == 0 else 0.2)
    assert line.read() == 300
    windows = stored(line)
    assert [(one.arm, one.starts_at, one.decisions) for one in windows] == [
        (ARM, NOW - 3 * HOUR, 150),
        (ARM, NOW - 2 * HOUR, 150),
    ]
    whole = sums(line)
    assert (whole["decisions"], whole["automatic"], whole["seen"]) == (300, 300, 300)
    assert whole["labels"] == {"fraud": 100, "ok": 200}
    assert whole["outcomes"] == {"release": 300}
    countries = dict(zip(("unseen", "DE", "FR", "", "missing", "infinite"), whole["features"]["country"], strict=True))
    assert countries["DE"] == sum(one["country"] == "DE" for one in given)
    assert countries["missing"] == sum(one["country"] == "XX" for one in given), "training had unknown ones, too"
    assert sum(whole["features"]["amount"]) == 300
    assert sum(whole["scores"]) == 300


def test_a_kill_before_the_commit_loses_nothing_and_doubles_nothing(line: WatchedLine) -> None:
    for part in range(4):
        line.write(line.usual(60), NOW - 2 * HOUR + part * timedelta(minutes=5), timedelta(minutes=4))
    killed = 0
    while True:
        with line.database.engine.connect() as connection, connection.begin() as transaction:
            line.take(connection, NOW, 60)
            transaction.rollback()
        line.anew()
        killed += 1
        with line.database.begin() as tx:
            taken = line.take(tx, NOW, 60)
        if not taken:
            break
    assert killed == 5
    assert sums(line)["decisions"] == sums(line)["seen"] == 240
    with line.database.begin() as tx:
        slots = store.slots(tx, line.automation.name, NOW - DAY)
    assert [(decisions, met) for _, decisions, met in slots] == [(60, 60)] * 4


def test_of_two_workers_that_read_at_once_one_waits_its_turn(line: WatchedLine) -> None:
    line.write(line.usual(50), NOW - HOUR, HOUR)
    assert line.read() == 50
    line.write(line.usual(50), NOW - HOUR, HOUR)
    with line.database.begin() as tx:
        assert line.take(tx) == 50
        with pytest.raises(ConsumerBusy), line.database.begin() as second:
            line.take(second)
    assert line.read() == 0
    assert sums(line)["decisions"] == 100


def test_counts_are_complete_where_only_a_sample_is_read_whole(line: WatchedLine) -> None:
    for _ in range(3):
        line.write(line.usual(2000), NOW - HOUR, timedelta(minutes=4))
    assert line.read() == 6000
    whole = sums(line)
    assert whole["decisions"] == whole["outcomes"]["release"] == 6000
    assert sum(whole["bands"].values()) == 6000
    assert PER_SLOT / 2 < whole["seen"] < 3 * PER_SLOT
    assert sum(whole["features"]["amount"]) == whole["seen"]


def test_a_decision_of_the_future_counts_as_of_now(line: WatchedLine) -> None:
    """A gateway whose clock was set wrong makes no window that would be judged years later."""
    line.write(line.usual(20), NOW + 400 * DAY, HOUR)
    line.read(NOW + timedelta(minutes=30))
    assert [(one.starts_at, one.decisions) for one in stored(line)] == [(NOW, 20)]


def test_a_decision_of_the_past_counts_where_it_was_made(line: WatchedLine) -> None:
    line.write(line.usual(20), NOW - 5 * DAY, HOUR)
    line.read()
    assert {one.starts_at for one in stored(line)} == {NOW - 5 * DAY}


@pytest.mark.parametrize(
    ("given", "cell"),
    [
        ({"amount": None, "country": None}, "missing"),
        ({"amount": float("inf"), "country": "DE"}, "infinite"),
        ({"amount": "none of a number", "country": ["a", "list"]}, "missing"),
        ({"amount": [1, 2], "country": {"a": 1}}, "missing"),
    ],
)
def test_odd_values_are_counted_and_break_nothing(line: WatchedLine, given: dict[str, Any], cell: str) -> None:
    line.write([given] * 30, NOW - HOUR, HOUR)
    line.read()
    amounts = sums(line)["features"]["amount"]
    assert amounts[{"missing": -2, "infinite": -1}[cell]] == 30


def test_a_record_that_cannot_be_read_is_counted_by_its_columns(line: WatchedLine) -> None:
    line.write(line.usual(10), NOW - HOUR, HOUR)
    with line.database.begin() as tx:
        tx.execute(text("ALTER TABLE decisions DISABLE TRIGGER USER"))
        tx.execute(
            text("UPDATE decisions SET record = 'no JSON' WHERE id = (SELECT min(id::text)::uuid FROM decisions)")
        )
    line.read()
    assert (sums(line)["decisions"], sums(line)["seen"]) == (10, 9)


def test_a_version_that_the_registry_lacks_is_counted_without_a_reference(line: WatchedLine) -> None:
    line.write(line.usual(10), NOW - HOUR, HOUR)
    with line.database.begin() as tx:
        tx.execute(text("ALTER TABLE model_versions DISABLE TRIGGER USER"))
        tx.execute(text("DELETE FROM model_versions"))
    line.anew()
    line.read()
    assert sums(line)["decisions"] == 10
    assert "features" not in sums(line)


def test_groups_say_which_decisions_were_automatic(line: WatchedLine) -> None:
    [automatic] = line.write(line.usual(1), NOW - HOUR, HOUR)
    line.write(line.usual(1), NOW - HOUR, HOUR, certain=False)
    line.write(line.usual(1), NOW - HOUR, HOUR, outcome="review")
    line.write(line.usual(1), NOW - HOUR, HOUR, score=None)
    with line.database.begin() as tx:
        groups = decisions.Feed("another").take_batch(tx).groups
    assert sum(one.count for one in groups) == 4
    assert [key for one in groups if one.automatic for key in one.keys] == [automatic.bytes]
