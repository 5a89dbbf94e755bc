"""Claims by lane: each lane as far as there is room, none past another's backlog, none by two, retries apart."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import asyncpg
from msgspec.structs import replace
from sqlalchemy import text

import messages
from andon.decisions import DELIVER_ACTION
from andon.kernel import claims, outbox
from andon.kernel.claims import Conclusion, Room
from andon.kernel.db import Database
from andon.kernel.outbox import Message, MessageState
from messages import a_question, an_action, conclude, connected, put

NOW = datetime.now(UTC)
LEASE = timedelta(seconds=6)


def claim(database: Database, *rooms: Room, elsewhere: int = 0, now: datetime = NOW) -> list[Message]:
    return messages.claim(database, *rooms, now=now, lease=LEASE, elsewhere=elsewhere)


def lanes(found: list[Message]) -> list[str]:
    return sorted(message.payload["destination"] for message in found)


def test_each_lane_is_taken_as_far_as_there_is_room_the_oldest_first(database: Database) -> None:
    bank = [an_action(NOW - timedelta(seconds=n)) for n in range(5)]
    put(database, *bank, *[an_action(NOW, destination="ledger") for _ in range(5)])
    put(database, *[an_action(NOW, destination="unknown") for _ in range(5)], a_question(NOW))
    found = claim(database, Room("bank", 2, 0), Room("ledger", 0, 9), Room("idle", 9, 9), elsewhere=3)
    assert lanes(found) == ["bank", "bank", "unknown", "unknown", "unknown"]
    assert {message.id for message in found if message.payload["destination"] == "bank"} == {bank[3].id, bank[4].id}
    rest = claim(database, Room("bank", 9, 0), Room("ledger", 9, 0), elsewhere=9)
    assert lanes(rest) == ["bank"] * 3 + ["ledger"] * 5 + ["unknown"] * 2
    assert claim(database, elsewhere=99) == []


def test_what_was_tried_waits_apart_from_what_was_not(database: Database) -> None:
    put(database, *[an_action(NOW) for _ in range(4)])
    tried = claim(database, Room("bank", 2, 0))
    again = [Conclusion(message, MessageState.PENDING, "failed", due_at=NOW) for message in tried[:1]]
    given_back = [Conclusion(message, MessageState.PENDING, None, due_at=NOW, counted=False) for message in tried[1:]]
    conclude(database, *again, *given_back, now=NOW)
    assert [message.again for message in claim(database, Room("bank", 0, 9))] == [True]
    assert [message.attempts for message in claim(database, Room("bank", 9, 0))] == [0, 0, 0]


def test_a_claim_that_is_renewed_is_nobody_elses_and_one_that_is_not_comes_again(database: Database) -> None:
    put(database, an_action(NOW), an_action(NOW))
    kept, left = claim(database, Room("bank", 9, 9))

    async def work(connection: asyncpg.Connection) -> None:
        await claims.renew(connection, [kept], until=NOW + 3 * LEASE)

    connected(database, work)
    later = claim(database, Room("bank", 9, 9), now=NOW + 2 * LEASE)
    assert [(message.id, message.attempts) for message in later] == [(left.id, 1)]

    async def late(connection: asyncpg.Connection) -> None:
        await claims.renew(connection, [left], until=NOW + 9 * LEASE)  # by who lost it

    connected(database, late)
    assert len(claim(database, Room("bank", 9, 9), now=NOW + 4 * LEASE)) == 2


def test_a_backlog_is_not_read_past(database: Database) -> None:
    with database.begin() as tx:
        message = an_action(NOW, destination="broken")
        outbox.add(tx, [replace(message, id=an_action(NOW).id) for _ in range(5000)])
    put(database, *[an_action(NOW, destination=f"bank-{n}") for n in range(3)])
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE outbox"))

    async def work(connection: asyncpg.Connection) -> int:
        plan = await connection.fetchval(
            f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {claims._CLAIM}",
            DELIVER_ACTION,
            NOW,
            ["broken"],
            [0],
            [0],
            10,
            NOW + LEASE,
        )
        top = json.loads(plan)[0]["Plan"]
        return int(top["Shared Hit Blocks"] + top["Shared Read Blocks"])

    assert connected(database, work) < 150
    with database.begin() as tx:
        size = tx.execute(text("SELECT relpages FROM pg_class WHERE relname = 'outbox'")).scalar_one()
    assert size > 200, "or the bound says nothing"


def test_two_that_claim_at_once_get_different_messages(database: Database) -> None:
    put(database, *[an_action(NOW) for _ in range(100)])

    async def run() -> list[list[Message]]:
        connections = [await database.connect() for _ in range(4)]
        rooms = [Room("bank", 40, 40)]
        found = await asyncio.gather(
            *[claims.claim(one, DELIVER_ACTION, rooms, elsewhere=0, now=NOW, lease=LEASE) for one in connections]
        )
        for one in connections:
            await one.close()
        return found

    ids = [message.id for found in asyncio.run(run()) for message in found]
    assert len(ids) == len(set(ids))
    assert len(ids) >= 40
