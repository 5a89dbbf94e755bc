"""A group of answers whose commit was not answered is written again, and verification finds nothing wrong."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID, uuid4

from sqlalchemy import text

from andon import audit
from andon.actions import AnswerKind, Attempt, DeliveryStates, proving, store
from andon.actions.store import PostboxEntry
from andon.audit import Harm, Report
from andon.decisions import DELIVER_ACTION
from andon.kernel import outbox
from andon.kernel.claims import Conclusion
from andon.kernel.db import Database
from andon.kernel.ids import uuid7
from andon.kernel.outbox import Message, MessageState

NOW = datetime(2026, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC)


def entries(database: Database, count: int) -> list[PostboxEntry]:
    """Return deliveries that were tried and taken, in the outbox."""
    made = []
    with database.begin() as tx:
        for number in range(count):
            message = Message(uuid7(NOW), DELIVER_ACTION, "payments", uuid7(NOW), {"destination": "x"}, "c", NOW, NOW)
            outbox.add(tx, [message])
            begun = Attempt(uuid7(NOW), 1, NOW)
            ended = replace(begun, ended_at=NOW, kind=AnswerKind.DELIVERED, result={"n": number / 8})
            made.append(PostboxEntry((message.id, begun), ended, Conclusion(message, MessageState.DONE)))
    return made


def write(database: Database, written: list[PostboxEntry]) -> None:
    """Write a group of entries as a connection that is new does."""

    async def writing() -> None:
        connection = await database.connect()
        items = [item for entry in written if (item := entry.answer_item) is not None]
        leaf = proving.linked(audit.Chain(uuid4()), items, NOW)
        await store.write(connection, written, leaf=leaf, now=NOW)
        await connection.close()

    asyncio.run(writing())


def verified(database: Database) -> Report:
    with database.snapshot() as tx:
        return audit.verify(tx, evidence=DeliveryStates().by_action())


def test_a_group_that_was_written_twice_is_sound_and_hides_no_answer_that_was_put_in(database: Database) -> None:
    written = entries(database, 3)
    for _ in range(2):
        write(database, written)
    write(database, entries(database, 2))
    assert verified(database).ok
    forged = UUID(int=7)
    with database.begin() as tx:
        of = {"forged": forged, "like": written[0].ended.id if written[0].ended else None}
        tx.execute(
            text(
                "INSERT INTO delivery_attempts (id, message_id, number, began_at) "
                "SELECT :forged, message_id, 2, began_at FROM delivery_attempts WHERE id = :like"
            ),
            of,
        )
        tx.execute(
            text(
                "INSERT INTO delivery_answers (attempt_id, ended_at, kind, detail, writer, seq) "
                "SELECT :forged, ended_at, kind, detail, writer, seq FROM delivery_answers WHERE attempt_id = :like"
            ),
            of,
        )
    (finding,) = verified(database).findings
    assert written[0].begun is not None
    assert (finding.harm, finding.subject) == (Harm.EVIDENCE_UNCLAIMED, f"action:{written[0].begun[0]}")


def test_an_incremental_verification_counts_the_answers_that_it_does_not_read(database: Database) -> None:
    write(database, entries(database, 3))
    with database.begin() as tx:
        audit.seal(tx, NOW)
    whole = verified(database)
    assert whole.verified is not None
    write(database, entries(database, 2))
    for expected in (True, False):
        with database.snapshot() as tx:
            report = audit.verify(tx, evidence=DeliveryStates().by_action(), since=whole.verified)
        assert report.ok is expected, report.findings
        with database.begin() as tx:
            tx.execute(text("UPDATE delivery_answers SET writer = gen_random_uuid() WHERE result = '{\"n\": 0.0}'"))
