"""The process that a campaign against robots kills: a delivery loop with real connectors, started by a fork."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from andon.actions import DatabaseEvidence, Deliveries, Destination, Surroundings
from andon.bootstrap.connecting import Connected, Kinds
from andon.kernel.clock import SystemClock
from andon.kernel.db import Database
from andon.kernel.events import Events

POKE_SECONDS = 0.05


def work(url: str, destinations: Sequence[Destination]) -> None:
    """Deliver until killed."""
    asyncio.run(_deliver(url, destinations))


async def _deliver(url: str, destinations: Sequence[Destination]) -> None:
    database, clock, here = Database(url), SystemClock(), Path.cwd()
    surroundings = Surroundings(clock, here, evidence=DatabaseEvidence(database))
    deliveries = Deliveries(
        database,
        Connected(Kinds(here), surroundings),
        {one.name: one for one in destinations},
        clock,
        events=Events(),
    )
    running = asyncio.create_task(deliveries.run(asyncio.Event()))
    while not running.done():
        deliveries.poke()
        await asyncio.sleep(POKE_SECONDS)
    await running
