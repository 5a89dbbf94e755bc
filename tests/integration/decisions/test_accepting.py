"""A request for later holds its key from when it was accepted: a repeat gets its id, also just while it is decided."""

import asyncio
from collections.abc import Callable
from uuid import UUID

import pytest
from msgspec.structs import replace
from sqlalchemy import text

from andon import decisions
from andon.decisions import DecisionRequest, Idempotency
from andon.kernel.db import Tx
from arms import request_of
from automations import payment
from lines import Installation

BLOCKED = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"


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
        decider = installation.decider()
        looker, locker = await installation.database.connect(), await installation.database.connect()
        async with locker.transaction():
            await locker.execute("SELECT FROM intake FOR UPDATE")  # so that it is not taken out of there yet
            deciding = asyncio.ensure_future(decider.decide(replace(first, from_intake=True)))
            while not await looker.fetchval(BLOCKED):
                await asyncio.sleep(0.01)
            again = await asyncio.to_thread(accept, a_request())
        assert await deciding is not None
        await looker.close()
        await locker.close()
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
