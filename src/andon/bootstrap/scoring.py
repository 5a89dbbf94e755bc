"""The runtime of `andon decide`: it starts the line's versions, pays and counts their costs, and ends them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from andon import models
from andon.bootstrap.following import Following
from andon.bootstrap.project import build_events
from andon.bootstrap.spending import Paying, cpu_seconds_of, gpu_us_of, keep_spending
from andon.decisions import Decider, Deployment, Unwatched
from andon.kernel.clock import Clock
from andon.kernel.config import Settings
from andon.kernel.db import Database
from andon.kernel.listening import listen
from andon.kernel.metrics import Metrics
from andon.models import Intervals
from andon.scoring import Interval, Run, Scored, Scorer
from andon.spending.metrics import SpendingMetrics


@asynccontextmanager
async def scorer(
    settings: Settings, database: Database, clock: Clock, deployment: Deployment, run: Run
) -> AsyncIterator[Scorer]:
    """Yield the scorer of a run's rows."""
    line = deployment.lines[run.automation]
    keeper = keep_spending(
        settings,
        database,
        [line.automation],
        clock=clock,
        events=build_events(settings),
        watcher=SpendingMetrics(Metrics()),
        cpu_seconds=cpu_seconds_of(lambda: deployment.loaded),
    )
    decider = Decider(
        database,
        lambda: deployment.lines,
        clock=clock,
        controls=deployment.controls,
        watcher=Unwatched(),
        purse=Paying(keeper, gpu_us_of([line.automation], lambda: deployment.loaded)),
    )
    following = Following(deployment, lambda: None, decides=lambda: False)
    listening = asyncio.create_task(listen(database, following.heard))
    try:
        async with keeper:
            for version in deployment.loaded:
                await version.start()
            yield Scorer(database, decider, line, run, clock)
            await decider.close()
    finally:
        listening.cancel()
        with suppress(asyncio.CancelledError):
            await listening
        await decider.close()
        for version in deployment.loaded:
            await version.close()


class IntervalsOf:
    """The intervals of every version that decided a row, looked up once each."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[tuple[str, int], Intervals] = {}

    def add(self, row: Scored) -> Scored:
        """Return the row with the interval of its score, if both are known."""
        if row.score is None or row.confidence is None or row.model is None or row.model_version is None:
            return row
        found = self._of(row.model, row.model_version).of_score(row.score, row.confidence)
        return row.within(None if found is None else Interval(*found))

    def _of(self, model: str, number: int) -> Intervals:
        known = self._known.get((model, number))
        if known is None:
            with self._database.begin() as tx:
                version = models.get(tx, model, number)
            known = self._known[model, number] = Intervals(version.manifest.risk)
        return known
