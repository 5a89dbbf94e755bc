"""When a key was last used is written beside the work of each process, through outages, and never goes back."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import event
from tests.integration.access.test_keys import NOON, make, ring
from tests.integration.streams.streaming import Forwarder

from andon import access
from andon.access import UseTeller, store
from andon.kernel.db import Database

LATER = NOON + timedelta(hours=1)


def uses(database: Database) -> dict[str, datetime | None]:
    with database.begin() as tx:
        return {key.principal.name: key.last_used_at for key in access.list_keys(tx)}


def test_what_several_processes_saw_is_told_and_the_latest_stays(database: Database) -> None:
    _, token = make(database)
    make(database, "olga")
    one, other = ring(database), ring(database)
    one.authenticate(token, LATER)
    other.authenticate(token, NOON)
    asyncio.run(UseTeller(database, one).tell())
    asyncio.run(UseTeller(database, other).tell())
    assert uses(database) == {"rita": LATER, "olga": None}


def test_use_is_remembered_when_the_keys_are_read_anew(database: Database) -> None:
    _, token = make(database)
    keys = ring(database)
    keys.authenticate(token, LATER)
    with database.begin() as tx:
        keys.refresh(tx, LATER)
    asyncio.run(UseTeller(database, keys).tell())
    assert uses(database) == {"rita": LATER}


def test_nothing_is_asked_of_the_database_while_no_key_is_used(database: Database) -> None:
    _, token = make(database)
    keys = ring(database)
    teller = UseTeller(database, keys)
    statements: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *call: statements.append(call[2]))
    asyncio.run(teller.tell())
    assert statements == []
    keys.authenticate(token, LATER)
    asyncio.run(teller.tell())
    asyncio.run(teller.tell())
    assert len(statements) == 1


def test_what_the_database_does_not_take_is_told_later_and_at_the_end(database: Database) -> None:
    _, token = make(database)
    keys = ring(database)

    async def run() -> None:
        way = Forwarder(database.url)
        through = Database(way.url)
        teller = UseTeller(through, keys)
        keys.authenticate(token, LATER)
        await teller.tell()  # nobody listens there yet
        async with way:
            telling = asyncio.create_task(teller.run())
            await asyncio.sleep(0)
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)
            through.close()

    asyncio.run(run())
    assert uses(database) == {"rita": LATER}


def test_two_processes_that_tell_of_the_same_keys_in_any_order_do_not_wait_for_each_other_for_ever(
    database: Database,
) -> None:
    ids = [make(database, f"key-{number}")[0].id for number in range(200)]

    def tell(order: Sequence[UUID], seconds: int) -> None:
        for turn in range(30):
            at = NOON + timedelta(minutes=turn, seconds=seconds)
            with database.begin() as tx:
                store.save_use(tx, dict.fromkeys(order, at))

    with ThreadPoolExecutor() as both:
        for told in [both.submit(tell, ids, 0), both.submit(tell, ids[::-1], 1)]:
            told.result()
    assert set(uses(database).values()) == {NOON + timedelta(minutes=29, seconds=1)}
