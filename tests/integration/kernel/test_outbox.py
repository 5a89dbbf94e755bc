"""The outbox gives each message to one worker at a time, and to another when that one dies."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from msgspec.structs import replace

import messages
from andon.decisions import DELIVER_ACTION
from andon.kernel import outbox
from andon.kernel.claims import Conclusion, Room
from andon.kernel.db import Database
from andon.kernel.ids import uuid7
from andon.kernel.outbox import MessageSelection
from messages import an_action, conclude, put

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
LEASE = timedelta(seconds=30)
EVERY = MessageSelection()


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


def claim(database: Database, most: int, now: datetime = NOW) -> list[outbox.Message]:
    return messages.claim(database, Room("bank", most, most), now=now, lease=LEASE)


def test_a_claimed_message_is_nobody_elses_until_its_lease_ends(database: Database) -> None:
    message = an_action(NOW)
    put(database, message)
    with database.begin() as tx:
        assert not outbox.is_claimed(tx, message.id, now=NOW)
    assert claim(database, 10) == [message]
    with database.begin() as tx:
        assert outbox.is_claimed(tx, message.id, now=NOW + LEASE)
        assert not outbox.is_claimed(tx, message.id, now=NOW + LEASE + timedelta(seconds=1))
    assert claim(database, 10) == []
    again = claim(database, 10, NOW + LEASE + timedelta(seconds=1))
    assert [(m.id, m.attempts) for m in again] == [(message.id, 1)]


def test_only_a_dead_message_can_be_revived(database: Database) -> None:
    message = an_action(NOW)
    with database.begin() as tx:
        outbox.add(tx, [message])
        assert outbox.revive(tx, DELIVER_ACTION, EVERY, now=NOW, ids=[message.id]) == []
        outbox.settle(tx, message.id, outbox.MessageState.DEAD, now=NOW, error="refused")
        assert (
            outbox.page(tx, DELIVER_ACTION, outbox.MessageState.DEAD, which=MessageSelection(scopes=["other"]), limit=5)
            == []
        )
        revived = outbox.revive(tx, DELIVER_ACTION, EVERY, now=NOW, ids=[message.id])
        assert [one.id for one in revived] == [message.id]
    assert [m.id for m in claim(database, 10)] == [message.id]


def test_a_claim_that_was_taken_over_cannot_be_put_back(database: Database) -> None:
    later = NOW + LEASE + timedelta(seconds=1)
    put(database, an_action(NOW))
    [first] = claim(database, 1)
    [second] = claim(database, 1, later)
    conclude(database, Conclusion(first, outbox.MessageState.PENDING, due_at=later), now=later)
    assert claim(database, 1, later) == []
    assert second.attempts == 1


def test_what_is_done_is_done_even_when_the_claim_was_taken_over(database: Database) -> None:
    later = NOW + LEASE + timedelta(seconds=1)
    put(database, an_action(NOW))
    [first] = claim(database, 1)
    [second] = claim(database, 1, later)
    conclude(database, Conclusion(first, outbox.MessageState.DONE), now=later)
    conclude(database, Conclusion(second, outbox.MessageState.DEAD, "too late"), now=later)
    with database.begin() as tx:
        found = outbox.find(tx, first.id)
    assert found is not None
    assert (found.state, found.last_error, found.settled_at) == (outbox.MessageState.DONE, None, later)


def test_messages_put_back_uncounted_have_used_no_attempt(database: Database) -> None:
    put(database, an_action(NOW), an_action(NOW))
    claimed = claim(database, 2)
    counted = [Conclusion(m, outbox.MessageState.PENDING, "e", NOW, counted=n == 0) for n, m in enumerate(claimed)]
    conclude(database, *counted, now=NOW)
    assert [m.attempts for m in claim(database, 2)] == [1, 0]


def test_only_what_is_meant_is_found_counted_and_revived(database: Database) -> None:
    early, late = a_message(), replace(a_message(), created_at=NOW + LEASE, scope="other")
    with database.begin() as tx:
        outbox.add(tx, [early, late])
        for message, why in ((early, "answered 503"), (late, "100% gone_")):
            outbox.settle(tx, message.id, outbox.MessageState.DEAD, now=NOW, error=why)
        for which, meant in (
            (MessageSelection(), [late, early]),
            (MessageSelection(scopes=["line"]), [early]),
            (MessageSelection(since=NOW + LEASE), [late]),
            (MessageSelection(until=NOW + LEASE), [early]),
            (MessageSelection(error="0% GONE"), [late]),
            (MessageSelection(error="%"), [late]),
            (MessageSelection(error="_"), [late]),
            (MessageSelection(error_begins="100%"), [late]),
            (MessageSelection(error_begins="gone"), []),
            (MessageSelection(error_begins_not="100%"), [early]),
            (MessageSelection(error_begins_not="gone"), [late, early]),
            (MessageSelection(lane="bank"), []),
            (MessageSelection(not_lanes=[""]), []),
        ):
            found = outbox.page(tx, "t", outbox.MessageState.DEAD, which=which, limit=5)
            assert {message.id for message in found} == {message.id for message in meant}, which
            assert outbox.count(tx, "t", outbox.MessageState.DEAD, which=which) == len(meant)
        assert [one.id for one in outbox.revive(tx, "t", MessageSelection(scopes=["line"]), now=NOW)] == [early.id]
        assert outbox.accept(tx, late.id, now=NOW)
        assert not outbox.accept(tx, late.id, now=NOW)
