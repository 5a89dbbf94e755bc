"""The outbox gives each message to one worker at a time, and to another when that one dies."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from andon.kernel import outbox
from andon.kernel.db import Database
from andon.kernel.ids import uuid7

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
LEASE = timedelta(seconds=30)


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
        assert outbox.claim(tx, "t", limit=10, now=NOW, lease=LEASE) == [message]
        assert outbox.claim(tx, "t", limit=10, now=NOW, lease=LEASE) == []
        again = outbox.claim(tx, "t", limit=10, now=NOW + LEASE + timedelta(seconds=1), lease=LEASE)
    assert [(m.id, m.attempts) for m in again] == [(message.id, 1)]


def test_only_a_dead_message_can_be_revived(database: Database) -> None:
    message = a_message()
    with database.begin() as tx:
        outbox.add(tx, [message])
        assert not outbox.revive(tx, message.id, now=NOW)
        outbox.settle(tx, message.id, outbox.State.DEAD, now=NOW, error="refused")
        assert outbox.page(tx, "t", outbox.State.DEAD, scopes=["other"], limit=5) == []
        assert outbox.revive(tx, message.id, now=NOW)
        assert [m.id for m in outbox.claim(tx, "t", limit=10, now=NOW, lease=LEASE)] == [message.id]
