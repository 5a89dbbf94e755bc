"""An unavailable database does not make a request bad: it waits, or its caller is told to retry."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from andon.decisions import Decider, LedgerUnavailable, Line
from andon.kernel.db import Database
from arms import Here, arm, request_of, says, traffic
from automations import payment
from lines import Installation

from .deciding import a_line, deciding, outcome, recorded

REFUSALS = 3
"""After so many it is well again."""

RAISING = """
CREATE SEQUENCE failures;
CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN IF nextval('failures') <= {times} THEN RAISE {condition}; END IF; RETURN NULL; END
$$;
CREATE TRIGGER fail BEFORE INSERT ON decisions FOR EACH STATEMENT EXECUTE FUNCTION fail()
"""
"""SQL with which to insert decisions fails so many times. A sequence counts what is rolled back, too."""


class Full(Database):
    """Takes no more connections within `full`, until it has refused enough."""

    refused = 0

    @asynccontextmanager
    async def full(self) -> AsyncIterator[None]:
        self._there = await super().connect()
        await self._admit(0)
        yield
        await self._there.close()

    async def connect(self, **settings: str) -> asyncpg.Connection:
        try:
            return await super().connect(**settings)
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
    line = the_line(installation, windows=windows)
    deciding(replace(installation, database=database), [line], work)
    assert database.refused == REFUSALS
    assert len(recorded(installation)) == 3


@pytest.mark.parametrize("requests", [1, 3])
def test_what_the_database_may_not_do_says_nothing_about_a_decision(installation: Installation, requests: int) -> None:
    async def work(decider: Decider) -> None:
        asked = [decider.decide(request_of(line, payment(n))) for n in range(requests)]
        answers = await asyncio.gather(*asked, return_exceptions=True)
        assert [type(one) for one in answers] == [LedgerUnavailable] * requests
        assert outcome(await decider.decide(request_of(line, payment()))) == "release"

    fail(installation, "insufficient_privilege", times=2)  # at once, and then by the plain way
    line = the_line(installation)
    deciding(installation, [line], work)
    assert len(recorded(installation)) == 1


@pytest.mark.parametrize("condition", ["deadlock_detected", "disk_full", "read_only_sql_transaction"])
def test_what_passes_by_itself_is_waited_for(installation: Installation, condition: str) -> None:
    async def work(decider: Decider) -> None:
        asked = [decider.decide(request_of(line, payment(n))) for n in range(3)]
        assert {outcome(one) for one in await asyncio.gather(*asked)} == {"release"}

    fail(installation, condition, times=REFUSALS)
    line = the_line(installation)
    deciding(installation, [line], work)
    assert len(recorded(installation)) == 3


def the_line(installation: Installation, *, windows: bool = False) -> Line:
    return a_line(installation, traffic(arm(1, Here(says(0.1)))), windows=windows)


def fail(installation: Installation, condition: str, *, times: int) -> None:
    with installation.database.begin() as tx:
        tx.execute(text(RAISING.format(condition=condition, times=times)))
