"""The bank's endpoint for the browser: more versions, a gateway that decides and reports, a budget, shadows."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from uuid import UUID, uuid4

from tests.browser import world
from tests.browser.world import OWNER, Transfer, screening
from tests.people import LINE

from andon import live, models, spending
from andon.authoring import Budget
from andon.decisions import Decider, Deployment, Unwatched
from andon.kernel.clock import Clock
from andon.kernel.db import Database
from andon.kernel.events import Events
from andon.live import LiveWatch, Pool, Process, Status, WaitingCounts
from andon.models import ModelVersion
from andon.serving import PoolStatus
from andon.spending import Purse, SpendTally, service
from andon.version import __version__

GATEWAY = UUID(int=41)


def more_versions(
    database: Database, folder: Path, now: datetime, *, seeds: Sequence[int] = (2, 3)
) -> list[ModelVersion]:
    """Further versions of the bank's model; none is the champion."""
    packages = [world.a_package(folder / str(seed), seed=seed) for seed in seeds]
    with database.begin() as tx:
        return [
            models.register(tx, package, actor=OWNER, events=Events(), reason="trained anew", now=now)
            for package in packages
        ]


def a_deployment(database: Database, cache: Path, clock: Clock) -> Deployment:
    """Return the bank's line as a gateway has it."""
    deployment = Deployment(database, [screening], cache=cache, clock=clock, events=Events())
    deployment.refresh()
    return deployment


def decided_and_told(
    database: Database,
    deployment: Deployment,
    clock: Clock,
    transfers: Sequence[Transfer],
    *,
    pools: Sequence[Pool] = (),
) -> None:
    """Decide these transfers by a gateway which then reports its status."""
    watch = LiveWatch(Unwatched())
    requests = [world.a_request(transfer, clock.now()) for transfer in transfers]

    async def decide() -> None:
        decider = Decider(database, lambda: deployment.lines, clock=clock, controls=deployment.controls, watcher=watch)
        await decider.decide_batch(requests)
        await decider.close()

    with ThreadPoolExecutor(1) as beside:  # this thread may already run the loop of the browser's driver
        beside.submit(lambda: asyncio.run(decide())).result()
    window, now = watch.counted({})
    status = Status(
        seconds=60.0,
        serves={name: line.ref.automation_version for name, line in deployment.lines.items()},
        arms=window.arms(now),
        lines=window.lines(now),
        waiting={LINE: WaitingCounts(3, 0, 12)},
        pools=tuple(pools),
        under_way=15,
        rss_bytes=142_000_000,
    )
    told(database, status, clock.now())


def told(database: Database, status: Status, now: datetime, *, part: str = "gateway", process: UUID = GATEWAY) -> None:
    """Write a process's status."""
    with database.begin() as tx:
        live.report(tx, Process(process, part, "bank-1", process.int, __version__, now, now, status))


def spent(database: Database, now: datetime, *, seconds: int) -> None:
    """Spend so many milli-euros of a budget of 1 EUR a day, a CPU second each."""
    price = spending.price(cpu_hour=3.6, gpu_hour=36.0, currency="EUR")
    purse, tally = Purse(database, {LINE: Budget(1.0)}, price, events=Events()), SpendTally(price)
    for _ in range(seconds):
        while not purse.allow(LINE, 1):
            purse.renew(now)
        purse.settle(LINE, 1, 1, 1_000_000)
    purse.close(now)
    tally.add(LINE, 1, seconds, seconds * 1_000_000)
    taken = tally.take(now.date())
    assert taken is not None
    with database.begin() as tx:
        assert service.add(tx, uuid4(), taken, "EUR", now)


TROUBLED = PoolStatus(
    ready=2,
    busy=1,
    restarts=1,
    incidents={"crashed": 1, "timed_out": 2},
    last_incident="did not answer within 0.5 s",
    cold_start_seconds=0.84,
    rss_bytes=310_000_000,
    breaker="half_open",
)
