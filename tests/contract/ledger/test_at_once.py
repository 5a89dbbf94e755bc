"""What the fast writer records by itself, without leaving it to the plain one, whose chain would be another."""

import asyncio

import pytest
from msgspec.structs import replace
from sqlalchemy import text

from andon.decisions import DecisionRequest
from andon.decisions.recorder import Recorder
from andon.kernel.db import Database

from .batches import CLOCK, Place, a_line, accepted, batch_of, check, places, requests_of, scalar

KINDS = ("plain", "keyed", "accepted", "accepted and keyed", "moving")


@pytest.mark.parametrize("kind", KINDS)
def test_what_nothing_is_in_the_way_of_goes_at_once(database: Database, kind: str) -> None:
    line, recorded = a_line(), set()
    places(database)

    def requests(number: int) -> list[DecisionRequest]:
        keys = [f"{number}-{n}" for n in range(3)] if "keyed" in kind else []
        made = requests_of(line, 3, keys=keys)
        return accepted(database, made) if "accepted" in kind else made

    async def work() -> None:
        writer = Recorder(database, clock=CLOCK)
        for number in range(2):
            batch = batch_of(line, requests(number), Place(number) if kind == "moving" else None)
            recorded.update(await writer.record(batch))
        await writer.close()

    asyncio.run(work())
    check(database, recorded)
    assert len(recorded) == 6
    assert scalar(database, "SELECT count(DISTINCT writer) FROM decisions") == 1
    assert scalar(database, "SELECT count(DISTINCT xmin::text) FROM decisions") == 2


def test_after_what_it_left_to_the_plain_one_it_goes_on_with_its_own_chain(database: Database) -> None:
    line = a_line()
    first, second, third = (requests_of(line, 2) for _ in range(3))
    second[0] = replace(second[0], id=first[0].id)

    async def work() -> None:
        writer = Recorder(database, clock=CLOCK)
        for requests in (first, second, third):
            await writer.record(batch_of(line, requests))
        await writer.close()

    asyncio.run(work())
    check(database, {request.id for requests in (first, second, third) for request in requests})
    with database.begin() as tx:
        chains = tx.execute(text("SELECT max(seq) FROM decisions GROUP BY writer ORDER BY 1")).scalars().all()
    assert chains == [1, 2]
