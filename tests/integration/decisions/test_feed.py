"""The feed: each consumer gets every committed decision once, in commit order, despite late commits and kills."""

import threading
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy import text

from andon import audit, decisions
from andon.decisions import ConsumerBusy, Feed, Start
from andon.decisions.feed import FOLLOWED, MERGED
from andon.kernel.db import Database, run_plain
from andon.kernel.identity import PLATFORM
from feeding import AT, Writer, in_order_of, rolled_back, take, take_all


def test_an_empty_ledger_gives_nothing_and_what_comes_then_is_read(database: Database) -> None:
    feed = Feed("monitor")
    assert take_all(database, feed) == []
    ids = Writer(database).record(3)
    assert take_all(database, feed) == ids
    assert take_all(database, feed) == []


def test_an_item_tells_what_was_recorded(database: Database) -> None:
    writer = Writer(database)
    [only] = writer.record(1)
    with database.begin() as tx:
        [item] = Feed("monitor").take(tx).items
    recorded = item.read()
    assert (item.id, item.writer, item.seq, item.latency_us) == (only, writer.chain.writer, 1, 1500)
    assert item.input() == {"amount": 10.5, "country": "DE"}
    assert recorded.features == {"amount_sum_1h": 10.5, "at_night": False}
    assert recorded.prediction is not None
    assert (recorded.prediction.score, recorded.prediction.label) == (0.25, "no")
    assert (recorded.line.automation, recorded.line.model.version, recorded.decided_at) == ("payments", 1, AT)
    assert (recorded.policy.outcome, recorded.policy.reasons, recorded.risk.certain) == ("release", (), True)


def test_only_the_automations_asked_for_come_and_the_position_moves_over_all(database: Database) -> None:
    writer = Writer(database)
    wanted = writer.record(2)
    writer.record(3, automation="credit")
    feed = Feed("monitor", automations=["payments"])
    with database.begin() as tx:
        taken = feed.take(tx)
    assert ([item.id for item in taken.items], taken.passed) == (wanted, 5)
    assert take_all(database, feed) == []


def test_chains_of_other_entries_are_no_decisions(database: Database) -> None:
    other = audit.Chain(uuid4())
    leaf = other.link(actor="andon", action="stream.move", subject="stream:x", body=bytes(100), at=AT)
    with database.begin() as tx:
        run_plain(tx, audit.insert_sql(1), audit.values_of(leaf))
    ids = Writer(database).record(2)
    feed = Feed("monitor")
    assert take_all(database, feed) == ids
    with database.begin() as tx:
        (standing,) = decisions.consumers(tx)
    assert (standing.waiting, standing.oldest) == (0, None)


def test_a_commit_that_comes_late_with_an_older_time_is_not_passed_over(database: Database) -> None:
    late, other = Writer(database), Writer(database)
    feed = Feed("monitor")
    held = late.write(2, at=AT - timedelta(hours=1))
    before = other.record(2)
    assert take_all(database, feed) == before
    late.commit()
    assert take_all(database, feed) == held


def test_several_writers_are_merged_by_time_and_each_keeps_its_own_order(database: Database) -> None:
    one, two = Writer(database), Writer(database)
    first = one.record(1, at=AT)
    third = one.record(1, at=AT + timedelta(seconds=2))
    earlier_by_its_clock = one.record(1, at=AT - timedelta(seconds=9))
    second = two.record(1, at=AT + timedelta(seconds=1))
    assert take_all(database, Feed("monitor")) == first + second + third + earlier_by_its_clock


def test_a_limit_takes_whole_commits_and_parts_only_of_one_that_is_larger(database: Database) -> None:
    writer = Writer(database)
    ids = writer.record(2) + writer.record(2) + writer.record(7) + writer.record(1)
    feed = Feed("monitor")
    assert [len(take(database, feed, 3)) for _ in range(7)] == [2, 2, 3, 3, 2, 0, 0]
    assert take_all(database, Feed("another"), 3) == ids


def test_what_is_rolled_back_comes_again(database: Database) -> None:
    ids = Writer(database).record(3)
    feed = Feed("monitor")
    assert rolled_back(database, feed, 10) == ids
    assert take_all(database, feed) == ids


def test_of_two_that_read_as_one_consumer_the_second_is_told_and_nothing_comes_twice(database: Database) -> None:
    writer = Writer(database)
    first = writer.record(1)
    assert take_all(database, Feed("monitor")) == first
    ids = writer.record(3)
    with database.begin() as tx:
        assert [item.id for item in Feed("monitor").take(tx).items] == ids
        with pytest.raises(ConsumerBusy), database.begin() as other:
            Feed("monitor").take(other)
    assert take_all(database, Feed("monitor")) == []


def test_of_two_that_begin_as_one_consumer_at_once_each_decision_goes_to_one(database: Database) -> None:
    writer = Writer(database)
    ids = [identifier for _ in range(40) for identifier in writer.record(1)]
    taken: list[UUID] = []
    lock = threading.Lock()

    def read() -> None:
        feed = Feed("monitor")
        while len(taken) < len(ids):
            try:
                found = take(database, feed, 3)
            except ConsumerBusy:
                continue
            with lock:
                taken.extend(found)

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(taken) == sorted(ids)


def test_consumers_read_independently(database: Database) -> None:
    ids = Writer(database).record(2)
    assert take_all(database, Feed("monitor")) == take_all(database, Feed("export")) == ids


def test_a_new_consumer_begins_where_it_says(database: Database) -> None:
    writer, idle = Writer(database), Writer(database)
    old = idle.record(1, at=AT - timedelta(days=2))
    first = writer.record(1, at=AT)
    second = writer.record(1, at=AT + timedelta(minutes=1))
    held = idle.write(1, at=AT - timedelta(days=1))
    feeds = {
        "beginning": Feed("a"),
        "now": Feed("b", start=Start.NOW),
        "moment": Feed("c", start=AT + timedelta(seconds=30)),
    }
    begun = {name: take_all(database, feed) for name, feed in feeds.items()}
    assert begun == {"beginning": old + first + second, "now": [], "moment": second}
    idle.commit()
    assert {name: take_all(database, feed) for name, feed in feeds.items()} == dict.fromkeys(feeds, held)


def test_one_that_fell_far_behind_reads_all_of_more_chains_than_it_follows(database: Database) -> None:
    writers = [Writer(database) for _ in range(FOLLOWED + MERGED + 3)]
    by_writer = [
        [identifier for _ in range(2) for identifier in writer.record(2, at=AT + timedelta(minutes=number % 7))]
        for number, writer in enumerate(writers)
    ]
    feed = Feed("monitor")
    taken = take_all(database, feed, 5)
    assert sorted(taken) == sorted(identifier for ids in by_writer for identifier in ids)
    assert all(in_order_of(taken, ids) for ids in by_writer)
    assert take_all(database, feed) == []
    assert take_all(database, Feed("monitor")) == []


def test_chains_that_are_over_are_not_looked_at_again_and_again(database: Database) -> None:
    feed = Feed("monitor")
    old, new = Writer(database), Writer(database)
    old.record(1)
    assert len(take(database, feed)) == 1
    new.record(1)
    assert len(take(database, feed)) == 1, "it looks for others when those that grew have nothing more"
    feed._search_at = float("inf")
    old.record(1)
    ids = new.record(1)
    assert take(database, feed) == ids, "while that one grows the other is looked for now and then"
    assert len(take(database, feed)) == 1


def test_a_consumer_whose_connection_is_lost_in_its_transaction_loses_nothing(database: Database) -> None:
    ids = Writer(database).record(3)
    feed = Feed("monitor")
    connection = database.engine.connect()
    assert [item.id for item in feed.take(connection).items] == ids
    pid = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
    with database.begin() as tx:
        assert tx.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid}).scalar_one()
    connection.invalidate()
    connection.close()
    assert take_all(database, feed) == ids


def test_changes_that_are_no_decisions_are_not_in_the_feed(database: Database) -> None:
    ids = Writer(database).record(2)
    with database.begin() as tx:
        audit.record(tx, actor=PLATFORM, action="test", subject="test", at=AT)
    assert take_all(database, Feed("monitor")) == ids


def test_how_far_everybody_is(database: Database) -> None:
    writer = Writer(database)
    writer.record(4)
    writer.record(10, at=AT + timedelta(minutes=1))
    take(database, Feed("half"), 5)
    take(database, Feed("part"), 4)
    take(database, Feed("part"), 3)
    take_all(database, Feed("whole"))
    with database.begin() as tx:
        found = decisions.consumers(tx)
        oldest = dict(decisions.oldest_unread(tx))
    assert [(one.name, one.taken, one.waiting) for one in found] == [("half", 4, 10), ("part", 7, 7), ("whole", 14, 0)]
    later = AT + timedelta(minutes=1)
    assert [one.oldest for one in found] == [later, later, None] == list(oldest.values())


class Consuming(RuleBasedStateMachine):
    """Writers commit in any order, consumers take, fail and restart: what was committed comes once, in order."""

    database: Database

    def __init__(self) -> None:
        super().__init__()
        self.writers: list[Writer] = []
        self.held: dict[int, list[UUID]] = {}
        self.committed: dict[int, list[UUID]] = {}
        self.taken: list[UUID] = []
        with self.database.begin() as tx:
            number = tx.execute(text("SELECT count(*) FROM feed_consumers")).scalar_one()
        self.name = f"consumer-{number}"
        self.feed = Feed(self.name, start=Start.NOW)
        assert take(self.database, self.feed) == []

    @rule()
    def begin_a_chain(self) -> None:
        self.writers.append(Writer(self.database))

    @precondition(lambda self: self.writers)
    @rule(data=st.data(), count=st.integers(1, 6), minutes=st.integers(-5, 5))
    def write(self, data: st.DataObject, count: int, minutes: int) -> None:
        number = data.draw(st.integers(0, len(self.writers) - 1))
        if number not in self.held and len(self.held) < 3:
            self.held[number] = self.writers[number].write(count, at=AT + timedelta(minutes=minutes))

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def commit(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(sorted(self.held)))
        self.writers[number].commit()
        self.committed.setdefault(number, []).extend(self.held.pop(number))

    @rule(limit=st.integers(1, 8))
    def take(self, limit: int) -> None:
        self.taken += take(self.database, self.feed, limit)

    @rule(limit=st.integers(1, 8))
    def fail(self, limit: int) -> None:
        rolled_back(self.database, self.feed, limit)

    @rule()
    def come_anew(self) -> None:
        self.feed = Feed(self.name)

    @invariant()
    def nothing_comes_twice_or_out_of_order(self) -> None:
        assert len(set(self.taken)) == len(self.taken)
        for ids in self.committed.values():
            mine = [one for one in self.taken if one in set(ids)]
            assert mine == ids[: len(mine)]

    def teardown(self) -> None:
        for number in sorted(self.held):
            self.writers[number].commit()
            self.committed.setdefault(number, []).extend(self.held[number])
        self.taken += take_all(self.database, self.feed, 4)
        assert sorted(self.taken) == sorted(one for ids in self.committed.values() for one in ids)
        self.nothing_comes_twice_or_out_of_order()


@pytest.mark.timeout(300)
def test_whatever_commits_late_or_fails_every_decision_comes_once_and_in_order(database: Database) -> None:
    machine = type("Here", (Consuming,), {"database": database})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=30, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
