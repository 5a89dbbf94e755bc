"""The outbox gives each message to one worker at a time, and to another when that one dies."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from andon.kernel import outbox
from andon.kernel.db import Database
from andon.kernel.ids import uuid7
from andon.kernel.outbox import Which

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
LEASE = timedelta(seconds=30)
EVERY = Which()


def a_message() -> outbox.Message:
    return outbox.Message(
        id=uuid7(NOW),
        topic="t",
        scope="line",
        subject=uuid4(),
        payload={"a": 1},
        correlation_id="c",
        created_at=NOW,
        due_at=NOW,
    )


def test_a_claimed_message_is_nobody_elses_until_its_lease_ends(database: Database) -> None:
    message = a_message()
    with database.begin() as tx:
        outbox.add(tx, [message])
        assert not outbox.is_claimed(tx, message.id, now=NOW)
        assert outbox.claim(tx, "t", limit=10, now=NOW, lease=LEASE) == [message]
        assert outbox.is_claimed(tx, message.id, now=NOW + LEASE)
        assert not outbox.is_claimed(tx, message.id, now=NOW + LEASE + timedelta(seconds=1))
        assert outbox.claim(tx, "t", limit=10, now=NOW, lease=LEASE) == []
        again = outbox.claim(tx, "t", limit=10, now=NOW + LEASE + timedelta(seconds=1), lease=LEASE)
    assert [(m.id, m.attempts) for m in again] == [(message.id, 1)]


def test_only_a_dead_message_can_be_revived(database: Database) -> None:
    message = a_message()
    with database.begin() as tx:
        outbox.add(tx, [message])
        assert outbox.revive(tx, "t", EVERY, now=NOW, ids=[message.id]) == []
        outbox.settle(tx, message.id, outbox.State.DEAD, now=NOW, error="refused")
        assert outbox.page(tx, "t", outbox.State.DEAD, which=Which(scopes=["other"]), limit=5) == []
        assert outbox.revive(tx, "t", EVERY, now=NOW, ids=[message.id]) == [message.id]
        assert [m.id for m in outbox.claim(tx, "t", limit=10, now=NOW, lease=LEASE)] == [message.id]


def test_a_claim_that_was_taken_over_cannot_be_put_back(database: Database) -> None:
    later = NOW + LEASE + timedelta(seconds=1)
    with database.begin() as tx:
        outbox.add(tx, [a_message()])
        [first] = outbox.claim(tx, "t", limit=1, now=NOW, lease=LEASE)
        [second] = outbox.claim(tx, "t", limit=1, now=later, lease=LEASE)
        outbox.conclude(tx, [outbox.Conclusion(first, outbox.State.PENDING, due_at=later)], now=later)
        assert outbox.claim(tx, "t", limit=1, now=later, lease=LEASE) == []
        assert second.attempts == 1


def test_what_is_done_is_done_even_when_the_claim_was_taken_over(database: Database) -> None:
    later = NOW + LEASE + timedelta(seconds=1)
    with database.begin() as tx:
        outbox.add(tx, [a_message()])
        [first] = outbox.claim(tx, "t", limit=1, now=NOW, lease=LEASE)
        [second] = outbox.claim(tx, "t", limit=1, now=later, lease=LEASE)
        outbox.conclude(tx, [outbox.Conclusion(first, outbox.State.DONE)], now=later)
        outbox.conclude(tx, [outbox.Conclusion(second, outbox.State.DEAD, "too late")], now=later)
        found = outbox.find(tx, first.id)
    assert found is not None
    assert (found.state, found.last_error, found.settled_at) == (outbox.State.DONE, None, later)


def test_messages_put_back_uncounted_have_used_no_attempt(database: Database) -> None:
    with database.begin() as tx:
        outbox.add(tx, [a_message(), a_message()])
        claimed = outbox.claim(tx, "t", limit=2, now=NOW, lease=LEASE)
        counted = [outbox.Conclusion(m, outbox.State.PENDING, "e", NOW, counted=n == 0) for n, m in enumerate(claimed)]
        outbox.conclude(tx, counted, now=NOW)
        again = outbox.claim(tx, "t", limit=2, now=NOW, lease=LEASE)
    assert [m.attempts for m in again] == [1, 0]


def test_only_what_is_meant_is_found_counted_and_revived(database: Database) -> None:
    early, late = a_message(), replace(a_message(), created_at=NOW + LEASE, scope="other")
    with database.begin() as tx:
        outbox.add(tx, [early, late])
        for message, why in ((early, "answered 503"), (late, "100% gone_")):
            outbox.settle(tx, message.id, outbox.State.DEAD, now=NOW, error=why)
        for which, meant in (
            (Which(), [late, early]),
            (Which(scopes=["line"]), [early]),
            (Which(since=NOW + LEASE), [late]),
            (Which(until=NOW + LEASE), [early]),
            (Which(error="0% GONE"), [late]),
            (Which(error="%"), [late]),
            (Which(error="_"), [late]),
            (Which(lane="bank"), []),
            (Which(not_lanes=[""]), []),
        ):
            found = outbox.page(tx, "t", outbox.State.DEAD, which=which, limit=5)
            assert {message.id for message in found} == {message.id for message in meant}, which
            assert outbox.count(tx, "t", outbox.State.DEAD, which=which) == len(meant)
        assert outbox.revive(tx, "t", Which(scopes=["line"]), now=NOW) == [early.id]
        assert outbox.accept(tx, late.id, now=NOW)
        assert not outbox.accept(tx, late.id, now=NOW)
