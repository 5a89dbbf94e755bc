"""What the fast writer records by itself, in one statement, without leaving it to the plain one."""

import asyncio

import pytest
from msgspec.structs import replace
from sqlalchemy import text

from andon.decisions import DecisionRequest
from andon.decisions.recorder import Recorder
from andon.kernel.db import Database

from .batches import CLOCK, Place, a_line, accepted, batch_of, check, places, requests_of, scalar
from .network import Loss, Network

KINDS = ("plain", "keyed", "accepted", "accepted and keyed", "moving")

AT_ONCE = """
SELECT count(DISTINCT (writer, seq)) FROM decisions AS d
JOIN audit_entries AS a USING (writer, seq) WHERE a.cmin = d.cmin
"""
"""How many batches were written by the statement that wrote their leaf."""


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
    assert scalar(database, AT_ONCE) == 2


def test_it_goes_on_with_its_own_chain_after_what_it_left_to_the_plain_one(database: Database) -> None:
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
    assert (chains, scalar(database, AT_ONCE)) == ([1, 2], 2)


@pytest.mark.parametrize("loss", [Loss.UNSENT, Loss.UNANSWERED])
def test_it_goes_on_with_a_new_chain_after_a_lost_connection(database: Database, loss: Loss) -> None:
    line, network = a_line(), Network(database.url)

    async def work() -> None:
        async with network:
            way = Database(network.url)
            writer = Recorder(way, clock=CLOCK)
            await writer.open()
            network.lose(loss, after=0)
            for _ in range(3):
                assert len(await writer.record(batch_of(line, requests_of(line, 2)))) == 2
            await writer.close()
            way.close()

    asyncio.run(work())
    assert scalar(database, AT_ONCE) == (3 if loss is Loss.UNANSWERED else 2)
