"""A database that takes no more connections is one that is away: what is asked waits for room and is decided, none of it is refused."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import asyncpg
import pytest
from sqlalchemy.engine import make_url

from andon.decisions import Decider
from andon.kernel.db import Database
from arms import Here, arm, request_of, says, traffic
from automations import payment
from lines import Installation

from .deciding import a_line, deciding, outcome, recorded

REFUSALS = 3
"""After so many there is room again."""


class Full(Database):
    """Takes no more connections within `full`, until it has refused enough."""

    refused = 0

    @asynccontextmanager
    async def full(self) -> AsyncIterator[None]:
        self._there = await super().connect()
        await self._admit(0)
        yield
        await self._there.close()

    async def connect(self) -> asyncpg.Connection:
        try:
            return await super().connect()
        except asyncpg.TooManyConnectionsError:
            self.refused += 1
            if self.refused == REFUSALS:
                await self._admit(-1)
            raise

    async def _admit(self, connections: int) -> None:
        await self._there.execute(f'ALTER DATABASE "{make_url(self.url).database}" CONNECTION LIMIT {connections}')


@pytest.mark.parametrize("windows", [True, False], ids=["when it is read", "when it is written"])
def test_what_is_asked_while_no_connection_is_to_be_had_is_decided_when_one_is(
    installation: Installation, windows: bool
) -> None:
    async def work(decider: Decider) -> None:
        async with database.full():
            asked = [decider.decide(request_of(line, payment(n))) for n in range(3)]
            assert {outcome(one) for one in await asyncio.gather(*asked)} == {"release"}

    database = Full(installation.database.url)
    line = a_line(installation, traffic(arm(1, Here(says(0.1)))), windows=windows)
    deciding(replace(installation, database=database), [line], work)
    assert database.refused == REFUSALS
    assert len(recorded(installation)) == 3
