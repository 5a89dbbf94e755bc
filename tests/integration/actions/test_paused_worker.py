"""A worker that is paused in the middle of a script comes to its commit after another has taken the action over."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import text

from andon.actions import DatabaseEvidence, Deliveries, EvidenceStep
from andon.connectors.browser import BrowserConnector
from andon.kernel.db import Database
from andon.kernel.events import Events
from andon.kernel.outbox import MessageClaim
from crash.robot_rigs import rigs
from crash.robots import put
from integration.actions.delivering import MovedClock


class PausedEvidence(DatabaseEvidence):
    """Pauses before the commit until it may go on."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.is_paused, self.may_go_on = asyncio.Event(), asyncio.Event()

    async def begin(self, step: EvidenceStep, claim: MessageClaim | None) -> bool:
        self.is_paused.set()
        await self.may_go_on.wait()
        return await super().begin(step, claim)


@pytest.mark.browser
def test_a_paused_worker_commits_nothing_that_another_has_taken_over(database: Database) -> None:
    clock, evidence = MovedClock(), PausedEvidence(database)

    async def run() -> list[int]:
        paused, other = (
            Deliveries(
                database,
                {"browser": BrowserConnector(clock, kept)},
                {"browser": rig.destination},
                clock,
                events=Events(),
            )
            for kept in (evidence, DatabaseEvidence(database))
        )
        first = asyncio.create_task(paused.run_round())
        await evidence.is_paused.wait()
        clock.move_on(timedelta(minutes=1))
        second = asyncio.create_task(other.run_round())
        while await asyncio.to_thread(begun, database) < 2:
            assert not second.done()
            await asyncio.sleep(0.05)
        evidence.may_go_on.set()
        delivered = list(await asyncio.gather(first, second))
        await asyncio.gather(paused.close(), other.close())
        return delivered

    with rigs(("browser",)) as [rig]:
        [key] = put(database, rig, 1)
        assert asyncio.run(run()) == [0, 1]
        assert rig.taken() == {key: 1}


def begun(database: Database) -> int:
    """Return how many attempts were begun."""
    with database.begin() as tx:
        return int(tx.execute(text("SELECT count(*) FROM delivery_attempts WHERE NOT inquiry")).scalar_one())
