"""A request for later that is sent again just while it is decided: its caller gets the id that was decided."""

import asyncio
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from uuid import UUID

import asyncpg
import pytest
from msgspec.structs import replace
from sqlalchemy import text

from andon import decisions
from andon.decisions import BatchDecider, DecisionRequest, Idempotency, Unwatched
from andon.kernel.db import Database, Tx
from arms import request_of
from automations import payment
from lines import Installation

BLOCKED = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"


class Held:
    """Written alongside a batch: keeps its transaction open until somebody waits for what it has locked."""

    def __init__(self, database: Database) -> None:
        self.reached = asyncio.Event()
        self._database = database

    def statements(self, recorded: AbstractSet[UUID]) -> None:
        del recorded

    async def write(
        self, connection: asyncpg.Connection, recorded: AbstractSet[UUID], refused: Mapping[UUID, str]
    ) -> None:
        del connection, recorded, refused
        self.reached.set()
        looker = await self._database.connect()
        while not await looker.fetchval(BLOCKED):
            await asyncio.sleep(0.01)
        await looker.close()

    async def is_written(self, connection: asyncpg.Connection) -> bool:
        del connection
        return False


def alone(tx: Tx, request: DecisionRequest) -> UUID:
    return decisions.accept(tx, request)


def among_new_ones(tx: Tx, request: DecisionRequest) -> UUID:
    """As a gateway accepts it: only what proves to be a repeat is looked at by itself."""
    if request.id in decisions.accept_new(tx, [request]):
        return request.id
    return decisions.accept(tx, request)


@pytest.mark.parametrize("way", [alone, among_new_ones])
def test_a_repeat_that_comes_while_the_first_is_recorded_gets_the_id_of_the_first(
    installation: Installation, way: Callable[[Tx, DecisionRequest], UUID]
) -> None:
    def a_request() -> DecisionRequest:
        line = installation.deployment.lines["payments"]
        key = Idempotency.of("payments", "bank", "once", b"")
        return request_of(line, payment(1), at=installation.clock.now(), idempotency=key)

    def accept(request: DecisionRequest) -> UUID:
        with installation.database.begin() as tx:
            return way(tx, request)

    async def run() -> UUID:
        decider = BatchDecider(
            installation.database, installation.deployment.line, clock=installation.clock, watcher=Unwatched()
        )
        held = Held(installation.database)
        deciding = asyncio.create_task(decider.decide([replace(first, from_intake=True)], held))
        await held.reached.wait()
        again = await asyncio.to_thread(accept, a_request())
        assert await deciding == {first.id}
        await decider.close()
        return again

    first = a_request()
    assert accept(first) == first.id

    async def within() -> UUID:
        async with asyncio.timeout(20):
            return await run()

    assert asyncio.run(within()) == first.id
    with installation.database.begin() as tx:
        assert tx.execute(text("SELECT count(*) FROM intake")).scalar_one() == 0
        assert decisions.accept(tx, a_request()) == first.id
